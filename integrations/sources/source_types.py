"""What a source type is: its form, its tap, and what it can do (connect-api.md 3.4-3.6, 8.3)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings

USER_PROVIDED = "user_provided"
IMMUTABLE = "user_provided_immutable"
ADVANCED = "user_provided_advanced"
BY_DEFAULT = "system_provided_by_default"
READ_ONLY = "read_only"
PROPERTY_TYPES = (USER_PROVIDED, IMMUTABLE, ADVANCED, BY_DEFAULT, READ_ONLY)
CONVERSIONS = ("text", "integer", "number", "boolean", "list", "json", "files")
RECEIVER_NAMES = frozenset({"port", "user", "username", "ssh", "ssh_port", "ssh_user"})


@dataclass(frozen=True, slots=True)
class Property:
    """One field of a source's connection form. Its value is text wherever it is stored, shown or sent."""

    name: str
    is_required: bool = False
    is_credential: bool = False
    property_type: str = USER_PROVIDED
    json_schema: dict[str, Any] | None = None
    tap_mutable: bool = False
    label: str = ""
    hint: str = ""
    widget: str = "text"  # text, password, number, checkbox, select or textarea
    choices: tuple[str, ...] = ()
    default: str = ""  # what the form starts with
    config_key: str = (
        ""  # where the tap's config has it, with dots into objects; empty: it is not for the tap
    )
    conversion: str = "text"
    address: str = ""  # "host" or "url": where the tap connects to

    @property
    def decides_receiver(self) -> bool:
        """Whether credentials go to somebody else, or as somebody else, when its value changes."""
        return bool(self.address) or self.name in RECEIVER_NAMES

    @property
    def is_settable(self) -> bool:
        return self.property_type != READ_ONLY

    @property
    def is_for_form(self) -> bool:
        """Whether a page asks for it as part of the connection."""
        return self.is_settable and self.name not in COMMON_NAMES


@dataclass(frozen=True)
class SourceType:
    """One kind of source, as its declaration says."""

    name: str
    label: str
    category: str = "Other"
    support: str = "community"
    aliases: tuple[str, ...] = ()
    protocol: str = ""
    why: str = ""
    tap: str = ""
    package: str = ""
    version: str = ""
    constraints: tuple[str, ...] = ()
    executable: str = ""
    program: tuple[str, ...] = ()  # instead of a package: what is on the machine already
    selection_argument: str = "--catalog"
    environment: Mapping[str, str] = field(default_factory=dict)
    properties: tuple[Property, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)  # what each tap config begins with
    files_folder: bool = False  # reads files of the account's own folder
    s3_files: bool = False  # reads files of a bucket, with the keys in ~/.aws/config
    has_discovery: bool = True
    chooses_method: bool = False
    supports_cron: bool = True
    default_frequency: int = 60
    default_start_date: str | None = None
    is_push: bool = False
    is_shipped: bool = True

    @cached_property
    def by_name(self) -> dict[str, Property]:
        return {item.name: item for item in self.properties}

    @property
    def form(self) -> tuple[Property, ...]:
        """What a page asks for to connect, without scheduling and start date."""
        return tuple(item for item in self.properties if item.is_for_form)

    @property
    def asks_for_start_date(self) -> bool:
        return "start_date" in self.by_name

    @property
    def steps(self) -> tuple[str, ...]:
        if self.has_discovery and not self.is_push:
            return "form", "discover_schema", "field_selection", "fully_configured"
        return "form", "fully_configured"

    @property
    def image_version(self) -> str:
        major = self.version.partition(".")[0]
        return f"{major if major.isdigit() else '0'}.latest"

    @property
    def short_name(self) -> str:
        """The name for the command line: without the prefix that all share."""
        return self.name.removeprefix("platform.")

    @property
    def folder(self) -> Path:
        """Where the tap's own virtual environment is, once it is installed."""
        return Path(settings.TAPS_DIR) / f"{self.tap}-{self.version}"

    @property
    def is_installed(self) -> bool:
        """Whether it can be run now; looks at the disk and nowhere else."""
        if self.is_push:
            return True
        if self.program:
            return os.access(self.program[0], os.X_OK)
        return (self.folder / "bin" / self.executable).exists()

    @property
    def unavailable_reason(self) -> str:
        """Why nothing of this type can be added now; empty if it can."""
        if self.files_folder and settings.SOURCE_FILES_DIR is None:
            return "This server has no folder for files. Ask your operator to set SOURCE_FILES_DIR."
        if self.is_installed:
            return ""
        if self.program:
            return "Its program is missing on this server. Ask your operator."
        return "Its tap is not installed on this server. Ask your operator to run:"

    @property
    def install_command(self) -> str:
        """What an operator runs so that it can be used; empty when no command helps."""
        if self.is_installed or self.program:
            return ""
        return f"manage.py install_source {self.short_name}"


SCHEDULING = (
    Property("anchor_time", json_schema={"type": "string", "format": "date-time"}, label="Anchor time"),
    Property("cron_expression", label="Cron expression"),
    Property(
        "frequency_in_minutes",
        json_schema={"type": "string", "pattern": "^1$|^30$|^60$|^360$|^720$|^1440$"},
        label="Replication Frequency",
    ),
    Property("image_version", is_required=True, property_type=READ_ONLY),
)
START_DATE = Property(
    "start_date",
    is_required=True,
    json_schema={"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T00:00:00Z$"},
    label="Start Date",
    config_key="start_date",
)
COMMON_NAMES = frozenset(item.name for item in (*SCHEDULING, START_DATE))
IMPORT_API = SourceType(
    name="import_api",
    label="Import API",
    category="Push",
    support="certified",
    protocol="import_api",
    version="0",
    has_discovery=False,
    supports_cron=False,
    default_start_date="-1 year",
    is_push=True,
)
