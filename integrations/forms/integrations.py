"""What arrives over HTTP to name an integration; the names' own rules are in services/schema_names.py."""

import uuid
from typing import Any

from django import forms
from django.db.models import QuerySet

from accounts.errors import DomainError
from integrations.models import Destination
from integrations.services.destination_changes import DestinationGone
from integrations.services.schema_names import MAX_DISPLAY_NAME_LENGTH, MAX_SCHEMA_NAME_LENGTH, NameRefused

DESTINATION_GONE = "This destination was removed meanwhile. Choose another."


class NamedForm(forms.Form):
    """What every form that makes an integration asks for: its name, its schema's, its destination.

    With `own_schema` it asks for a schema name instead of deriving one.
    """

    display_name = forms.CharField(label="Integration Name", max_length=MAX_DISPLAY_NAME_LENGTH)
    schema_name = forms.CharField(
        label="Integration Schema Name",
        max_length=MAX_SCHEMA_NAME_LENGTH,
        help_text="Can't be changed after you save your integration.",
    )
    destination = forms.ModelChoiceField(
        label="Target Destination",
        queryset=None,
        empty_label=None,
        help_text="It can be changed later in the integration's settings.",
        error_messages={"invalid_choice": DESTINATION_GONE},
    )
    form_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(
        self,
        *args: Any,
        destinations: QuerySet[Destination],
        own_schema: bool = False,
        live_url: str = "",
        **kw: Any,
    ) -> None:
        super().__init__(*args, **kw)
        self.own_schema = own_schema
        self.fields["destination"].queryset = destinations
        if len(destinations) < 2:
            del self.fields["destination"]
        name = self.fields["display_name"].widget.attrs
        name["autocomplete"] = "off"
        if own_schema:
            self.fields["schema_name"].widget.attrs |= {
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        else:
            del self.fields["schema_name"]
            name |= {
                "hx-get": live_url,
                "hx-trigger": "input changed delay:250ms",
                "hx-target": "#schema-notice",
                "hx-select": "#schema-notice",
                "hx-swap": "outerHTML",
                "hx-sync": "this:replace",
            }
        self.focus_on("schema_name" if own_schema else "display_name")

    def focus_on(self, name: str) -> None:
        """Let the page open with the cursor in this field."""
        for field in self.fields.values():
            field.widget.attrs.pop("autofocus", None)
        self.fields[name].widget.attrs["autofocus"] = True

    def focus_on_first_error(self) -> None:
        """Let the page open where there is something to put right."""
        self.focus_on(next((name for name in self.fields if name in self.errors), "display_name"))

    def add_refusal(self, refusal: DomainError) -> None:
        """Put a refusal beside the field where it can be mended, if there is one."""
        field = None
        if isinstance(refusal, NameRefused):
            field = refusal.field if refusal.field in self.fields else "display_name"
        elif isinstance(refusal, DestinationGone):
            field = "destination"
        self.add_error(field, refusal.message)


class IntegrationSettingsForm(forms.Form):
    """The name of an existing integration and, where there is a choice, the destination it loads into."""

    display_name = forms.CharField(label="Integration Name", max_length=MAX_DISPLAY_NAME_LENGTH)
    destination = forms.ModelChoiceField(
        label="Target Destination",
        queryset=None,
        empty_label=None,
        help_text="Rows that were loaded stay where they are. What waits is loaded into the new one.",
        error_messages={"invalid_choice": DESTINATION_GONE},
    )

    def __init__(self, *args, destinations: QuerySet[Destination], **kw):
        super().__init__(*args, **kw)
        self.fields["display_name"].widget.attrs["autocomplete"] = "off"
        self.fields["destination"].queryset = destinations
        present = list(destinations)
        chosen = self.initial.get("destination")
        if not present or present == [chosen]:
            del self.fields["destination"]
        elif chosen is None:
            self.fields["destination"].empty_label = "No Destination"
            self.fields["destination"].required = False
