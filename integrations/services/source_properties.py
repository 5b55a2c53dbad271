"""A source's connection: what its form says, its credentials sealed, and the config that its tap gets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts import sealing
from accounts.errors import DomainError
from integrations.models import Integration
from integrations.services.credentials import CredentialUnreadable
from integrations.services.locking import save_changed
from integrations.sources.property_values import (
    aws_profile,
    bad_properties,
    config_for_tap,
    folder_in_bucket,
    text_of,
)
from integrations.sources.registry import find_source_type
from integrations.sources.source_types import SCHEDULING, SourceType

USE = b"source credentials"
SCHEDULE_NAMES = frozenset(item.name for item in SCHEDULING)


class BadProperties(DomainError):
    """Properties that cannot be stored; `names` says which (connect-api.md 2.2)."""

    code, status = "bad_properties", 400
    reason = "This value does not have the form that is needed here."

    def __init__(self, names: list[str], message: str = "") -> None:
        super().__init__(
            message or f"These values are missing, empty or not of their form: {', '.join(names)}."
        )
        self.names = names


class CredentialsNeeded(BadProperties):
    """Stored credentials would be sent to somebody whom they were not given for."""

    code = "credentials_needed"
    reason = (
        "Type it again: the stored one was given for another host, port or user, or for an encrypted connection, and "
        "is sent nowhere else."
    )

    def __init__(self, names: list[str]) -> None:
        super().__init__(names, f"Give these again, for they are sent nowhere else: {', '.join(names)}.")


class SourceTypeGone(DomainError):
    """The declaration of a source's type is not there any more."""

    code, status = "source_type_gone", 409

    def __init__(self, name: str) -> None:
        super().__init__(
            f"This server has no source type {name} any more: its declaration was removed or cannot be read. "
            "Ask the people who run this server to bring it back."
        )


def type_of(integration: Integration) -> SourceType:
    """Return the integration's source type. Raises SourceTypeGone."""
    found = find_source_type(integration.type)
    if found is None:
        raise SourceTypeGone(integration.type)
    return found


def check_properties(
    source_type: SourceType, given: Mapping[str, object], stored: Mapping[str, str] | None = None
) -> None:
    """Raise BadProperties for what cannot be stored. `stored` has the present values, credentials too."""
    names = bad_properties(source_type, given, stored or {})
    if names:
        raise BadProperties(names)


def store_properties(*, integration: Integration, given: Mapping[str, object]) -> list[str]:
    """Merge the values into what the locked integration has, and return the names that changed.

    None clears an optional property. Raises BadProperties; then nothing is stored.
    """
    source_type = type_of(integration)
    credentials = credentials_of(integration) if given else {}
    before = {**integration.properties, **credentials}
    check_properties(source_type, given, before)
    require_credentials_again(source_type, given, before, credentials)
    after = dict(before)
    for name, value in given.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = text_of(value)
    changed = [name for name in given if before.get(name) != after.get(name)]
    if not changed:
        return []
    secret = {item.name for item in source_type.properties if item.is_credential}
    integration.properties = {name: value for name, value in after.items() if name not in secret}
    kept = {name: value for name, value in after.items() if name in secret}
    if kept != credentials:
        integration.sealed_credentials = seal(integration, kept)
    save_changed(integration, "properties", "sealed_credentials")
    return changed


def require_credentials_again(
    source_type: SourceType,
    given: Mapping[str, object],
    before: Mapping[str, str],
    credentials: Mapping[str, str],
) -> None:
    """Raise CredentialsNeeded when stored credentials would go to another receiver, or less safely than before."""

    def moves(name: str, value: object) -> bool:
        declared, after = source_type.by_name[name], "" if value is None else text_of(value)
        if name == "ssl":
            return before.get(name) == "true" and after != "true"
        return declared.decides_receiver and before.get(name, declared.default) != after

    if any(moves(name, value) for name, value in given.items()):
        missing = [name for name in credentials if name not in given]
        if missing:
            raise CredentialsNeeded(missing)


def tap_config(integration: Integration) -> dict[str, Any]:
    """Return the config file of the integration's tap, credentials in clear: for that file and nothing else.

    Raises CredentialUnreadable and SourceTypeGone.
    """
    source_type = type_of(integration)
    values = {**integration.properties, **credentials_of(integration)}
    folder = folder_in_bucket(values) if source_type.s3_files else str(files_folder(integration))
    return config_for_tap(source_type, values, folder=folder)


def tap_home(integration: Integration) -> dict[str, str]:
    """Return the files that the integration's tap finds in its home, credentials in clear, as `tap_config` does."""
    source_type = type_of(integration)
    if not source_type.s3_files:
        return {}
    values = {**integration.properties, **credentials_of(integration)}
    return {".aws/config": aws_profile(source_type, values)}


def files_folder(integration: Integration) -> Path:
    """Return the folder whose files the integration's account may read; its own, whether or not it is there."""
    root = settings.SOURCE_FILES_DIR or Path("/nonexistent")
    return Path(root) / str(integration.account.client_id)


def provided(integration: Integration) -> set[str]:
    """Return the names of the properties that have a value; a sealed credential is known by name alone."""
    return {name for name, value in integration.properties.items() if value is not None} | set(
        credentials_of(integration, unreadable={})
    )


def shown_properties(integration: Integration) -> dict[str, Any]:
    """Return what the API tells of the properties: never a credential (connect-api.md 3.1)."""
    if integration.is_push:
        return {}
    found = find_source_type(integration.type)
    secret = {item.name for item in found.properties if item.is_credential} if found else set()
    shown = {name: value for name, value in integration.properties.items() if name not in secret}
    version = found.image_version if found else None
    return shown | {"image_version": version, "product": "pipeline"}


def credentials_of(integration: Integration, unreadable: dict[str, str] | None = None) -> dict[str, str]:
    """Return the credentials in clear. Raises CredentialUnreadable, unless told what to return instead."""
    if not integration.sealed_credentials:
        return {}
    try:
        opened = sealing.unseal(integration.sealed_credentials, use=USE, owner=owner_of(integration))
    except sealing.Unreadable as error:
        if unreadable is not None:
            return unreadable
        raise CredentialUnreadable from error
    found: dict[str, str] = json.loads(opened)
    return found


def seal(integration: Integration, credentials: Mapping[str, str]) -> str:
    if not credentials:
        return ""
    return sealing.seal(json.dumps(dict(credentials)), use=USE, owner=owner_of(integration))


def owner_of(integration: Integration) -> bytes:
    """Return what the sealed credentials are bound to: this integration alone."""
    return str(integration.pk).encode()
