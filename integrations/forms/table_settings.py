"""What arrives over HTTP to choose how one table is replicated."""

from __future__ import annotations

from typing import Any

from django import forms

from integrations.models import Stream
from integrations.services.stream_metadata import Field, fields_of, forced_method, is_view

KEY_TYPES = ("int", "date", "time", "serial", "float", "double", "numeric", "decimal", "number", "integer")


def replication_keys(stream: Stream) -> list[Field]:
    """Return the fields that can be the replication key: those the source names, or numbers and times."""
    fields = fields_of(stream)
    valid = stream.metadata.get("valid-replication-keys")
    if isinstance(valid, list) and valid:
        return [field for field in fields if field.name in valid]
    return [field for field in fields if not field.is_unsupported and can_grow(field)]


def can_grow(field: Field) -> bool:
    """Tell whether a field's values have an order that new rows follow: integers and times (4.3)."""
    words = field.type_words.casefold()
    return any(word in words for word in KEY_TYPES) and "interval" not in words


class TableSettingsForm(forms.Form):
    """Replication method and key; for a view its primary key."""

    method = forms.ChoiceField(label="Replication Method", widget=forms.RadioSelect)
    replication_key = forms.ChoiceField(
        label="Replication Key",
        required=False,
        help_text="Each extraction reads the rows whose value is equal to or greater than the last one seen.",
    )
    primary_key = forms.ChoiceField(
        label="Primary Key",
        choices=[("none", "No Primary Key"), ("custom", "Custom Primary Key")],
        widget=forms.RadioSelect,
        help_text="A view has no key of its own. Without one, every extraction adds its rows to those that stand "
        "there; with one, rows are updated. Another key makes the next extraction read the whole view again.",
    )
    view_keys = forms.MultipleChoiceField(
        label="Fields of the Custom Primary Key",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, stream: Stream, log_based: bool, **kw: Any) -> None:
        super().__init__(*args, **kw)
        if forced_method(stream):
            del self.fields["method"], self.fields["replication_key"]
        else:
            self.offer_methods(stream, log_based=log_based)
        if is_view(stream):
            supported = [field for field in fields_of(stream) if not field.is_unsupported]
            self.fields["view_keys"].choices = [(field.name, field.name) for field in supported]
        else:
            del self.fields["primary_key"], self.fields["view_keys"]

    def offer_methods(self, stream: Stream, *, log_based: bool) -> None:
        keys = replication_keys(stream)
        methods = [("FULL_TABLE", "Full Table Replication")]
        if log_based or self.initial.get("method") == "LOG_BASED":
            methods.insert(0, ("LOG_BASED", "Log-based Incremental"))
        if keys:
            methods.insert(0, ("INCREMENTAL", "Key-based Incremental (Recommended)"))
        else:
            del self.fields["replication_key"]
        self.fields["method"].choices = methods
        if keys:
            named = [(field.name, f"{field.name} ({field.type_words})") for field in keys]
            self.fields["replication_key"].choices = [("", "Choose a field"), *named]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("method") == "INCREMENTAL" and not cleaned.get("replication_key"):
            self.add_error(
                "replication_key", "Key-based Incremental needs a replication key. Choose a field."
            )
        if cleaned.get("primary_key") == "custom" and not cleaned.get("view_keys"):
            self.add_error("view_keys", "Choose at least one field, or No Primary Key.")
        return cleaned

    def choices(self) -> dict[str, Any]:
        """Return the metadata of the stream that was chosen."""
        cleaned = self.cleaned_data
        chosen: dict[str, Any] = {}
        if "method" in cleaned:
            incremental = cleaned["method"] == "INCREMENTAL"
            chosen["replication-method"] = cleaned["method"]
            chosen["replication-key"] = cleaned.get("replication_key") if incremental else None
        if "primary_key" in cleaned:
            chosen["view-key-properties"] = cleaned["view_keys"] if cleaned["primary_key"] == "custom" else []
        return chosen
