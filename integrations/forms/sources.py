"""What arrives over HTTP to create or change a source that a tap reads; the form is made from its declaration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet

from accounts.errors import DomainError
from integrations.forms.integrations import DESTINATION_GONE, NamedForm
from integrations.models import Destination
from integrations.services.schema_names import MAX_DISPLAY_NAME_LENGTH
from integrations.services.source_properties import BadProperties
from integrations.sources.property_values import bad_properties
from integrations.sources.source_types import ADVANCED, IMMUTABLE, Property, SourceType

PREFIX = "property_"
DAYS = {"day": 1, "month": 30, "year": 365}
MAX_VALUE = 65_536


def default_start(source_type: SourceType, today: date) -> date | None:
    """Return the day from which a source of this type is replicated unless somebody says else."""
    if not source_type.default_start_date:
        return None
    number, unit = source_type.default_start_date.lstrip("-").split(" ")
    return today - timedelta(days=int(number) * DAYS[unit.removesuffix("s")])


def default_start_words(source_type: SourceType) -> str:
    """Return "1 Year Ago"."""
    return f"{(source_type.default_start_date or '').lstrip('-').title()} Ago"


def property_field(item: Property, *, provided: bool) -> forms.Field:
    """Return the form field of one property. A credential is never sent to the browser: empty keeps it."""
    kept = item.is_credential and provided
    hint = item.hint
    if kept:
        hint = f"{hint} Provided. Leave empty to keep it; what is typed replaces it.".strip()
    common: dict[str, Any] = {
        "label": item.label,
        "help_text": hint,
        "required": item.is_required and not kept,
    }
    if item.widget == "checkbox":
        return forms.BooleanField(**common | {"required": False})
    if item.choices:
        empty = [] if item.is_required else [("", "—")]
        return forms.ChoiceField(choices=[*empty, *((value, value) for value in item.choices)], **common)
    field = forms.CharField(max_length=MAX_VALUE, strip=not item.is_credential, **common)
    if item.widget == "textarea":
        field.widget = forms.Textarea(attrs={"rows": 5, "spellcheck": "false"})
    elif item.is_credential:
        field.widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    elif item.widget == "number":
        field.widget.attrs["inputmode"] = "numeric"
    field.widget.attrs.setdefault("autocomplete", "off")
    field.is_kept = kept
    if item.property_type == IMMUTABLE and provided:
        field.disabled = True
        field.help_text = f"{hint} It cannot be changed any more.".strip()
    return field


class ConnectionForm(forms.Form):
    """The fields of a connection, and what both forms below share."""

    def __init__(
        self,
        *args: Any,
        source_type: SourceType,
        provided: set[str] | None = None,
        stored: Mapping[str, str] | None = None,
        **kw: Any,
    ) -> None:
        super().__init__(*args, **kw)
        self.source_type, self.provided, self.stored = source_type, provided or set(), stored or {}
        for item in source_type.form:
            name = PREFIX + item.name
            self.fields[name] = property_field(item, provided=item.name in self.provided)
            if not item.is_credential:
                value = self.stored.get(item.name, "" if self.stored else item.default)
                self.fields[name].initial = value == "true" if item.widget == "checkbox" else value

    def clean(self) -> dict[str, Any]:
        """Tell of values that are not of their form with all else that is wrong, not only when the rest is right."""
        cleaned: dict[str, Any] = super().clean() or {}
        names = bad_properties(self.source_type, ConnectionForm.properties(self), self.stored)
        if names:
            self.add_bad_properties(BadProperties(names))
        return cleaned

    def bound_of(self, *, advanced: bool, tunnel: bool) -> list[forms.BoundField]:
        return [
            self[PREFIX + item.name]
            for item in self.source_type.form
            if (item.property_type == ADVANCED) == advanced and item.name.startswith("ssh_") == tunnel
        ]

    @property
    def connection(self) -> list[forms.BoundField]:
        return self.bound_of(advanced=False, tunnel=False)

    @property
    def tunnel(self) -> list[forms.BoundField]:
        return self.bound_of(advanced=False, tunnel=True)

    @property
    def advanced(self) -> list[forms.BoundField]:
        return self.bound_of(advanced=True, tunnel=False)

    @property
    def advanced_has_errors(self) -> bool:
        return any(field.errors for field in self.advanced)

    def properties(self) -> dict[str, object]:
        """Return what is to be stored: what was typed, None for what was emptied, nothing for what stays."""
        given: dict[str, object] = {}
        for item in self.source_type.form:
            value = self.cleaned_data.get(PREFIX + item.name)
            if item.widget == "checkbox":
                before = self.stored.get(item.name)
                if value or before is not None:
                    given[item.name] = "true" if value else "false"
            elif value:
                given[item.name] = value
            elif item.name in self.stored and not item.is_credential and not item.is_required:
                given[item.name] = None
        return given

    def add_bad_properties(self, refusal: BadProperties) -> None:
        """Put a refusal beside the fields that it concerns."""
        for name in refusal.names:
            field = PREFIX + name
            if field in self.fields:
                self.add_error(field, refusal.reason)
            elif name in self.fields:
                self.add_error(name, refusal.reason)
            else:
                self.add_error(None, f"{name}: {refusal.reason}")


class NewSourceForm(ConnectionForm, NamedForm):
    """What a source that is to be made has, whether from nothing or like another."""

    def add_refusal(self, refusal: DomainError) -> None:
        """Put a refusal beside the fields where it can be mended, if there are any."""
        if isinstance(refusal, BadProperties):
            self.add_bad_properties(refusal)
        else:
            super().add_refusal(refusal)


class SourceForm(NewSourceForm):
    """The create form of a source; its schedule is a form of its own, forms/schedules.py."""

    default_start = forms.BooleanField(required=False, initial=True)
    start_date = forms.DateField(
        label="Start Date",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Data equal to or newer than this day (UTC) is replicated.",
    )

    def __init__(self, *args: Any, source_type: SourceType, **kw: Any) -> None:
        super().__init__(*args, source_type=source_type, **kw)
        if not source_type.asks_for_start_date:
            del self.fields["start_date"], self.fields["default_start"]
        else:
            self.fields[
                "default_start"
            ].label = f"Use integration default ({default_start_words(source_type)})"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        asked = "start_date" in self.fields and not cleaned.get("default_start")
        if asked and "start_date" not in self.errors and not cleaned.get("start_date"):
            self.add_error("start_date", "Choose a date, or use the integration default.")
        return cleaned

    def properties(self) -> dict[str, object]:
        given = super().properties()
        if "start_date" in self.fields:
            chosen = None if self.cleaned_data["default_start"] else self.cleaned_data["start_date"]
            day = chosen or default_start(self.source_type, datetime.now(UTC).date())
            given["start_date"] = f"{day:%Y-%m-%d}T00:00:00Z"
        return given


class SourceSettingsForm(ConnectionForm):
    """The name, the destination and the connection of a source that is there."""

    display_name = forms.CharField(label="Integration Name", max_length=MAX_DISPLAY_NAME_LENGTH)
    destination = forms.ModelChoiceField(
        label="Target Destination",
        queryset=None,
        empty_label=None,
        help_text="Rows that were loaded stay where they are. What waits is loaded into the new one.",
        error_messages={"invalid_choice": DESTINATION_GONE},
    )

    def __init__(self, *args: Any, destinations: QuerySet[Destination], **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.fields["display_name"].widget.attrs["autocomplete"] = "off"
        self.fields["destination"].queryset = destinations
        present, chosen = list(destinations), self.initial.get("destination")
        if not present or present == [chosen]:
            del self.fields["destination"]
        elif chosen is None:
            self.fields["destination"].empty_label = "No Destination"
            self.fields["destination"].required = False


class StartDateForm(forms.Form):
    """Another day from which a source is replicated."""

    start_date = forms.DateField(
        label="Start Date", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
