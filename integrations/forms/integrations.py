"""What arrives over HTTP to name an integration; the names' own rules are in services/schema_names.py."""

import uuid

from django import forms
from django.db.models import QuerySet

from integrations.models import Destination
from integrations.services.schema_names import MAX_DISPLAY_NAME_LENGTH, MAX_SCHEMA_NAME_LENGTH, NameRefused

DESTINATION_GONE = "This destination was removed meanwhile. Choose another."


class ImportApiForm(forms.Form):
    """The create form. With `own_schema` it asks for a schema name instead of deriving one."""

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
        *args,
        destinations: QuerySet[Destination],
        own_schema: bool = False,
        live_url: str = "",
        focus: str = "display_name",
        **kw,
    ):
        super().__init__(*args, **kw)
        self.fields["destination"].queryset = destinations
        if len(destinations) < 2:
            del self.fields["destination"]
        self.own_schema = own_schema
        if not own_schema:
            del self.fields["schema_name"]
        self.fields["display_name"].widget.attrs |= {
            "autocomplete": "off",
            "hx-get": live_url,
            "hx-trigger": "input changed delay:250ms",
            "hx-target": "#schema-notice",
            "hx-select": "#schema-notice",
            "hx-swap": "outerHTML",
            "hx-sync": "this:replace",
        }
        if own_schema:
            self.fields["display_name"].widget.attrs.pop("hx-get")
            self.fields["schema_name"].widget.attrs |= {
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        self.focus_on(focus)

    def focus_on(self, name: str) -> None:
        """Let the page open with the cursor in this field."""
        for field in self.fields.values():
            field.widget.attrs.pop("autofocus", None)
        self.fields[name].widget.attrs["autofocus"] = True

    def add_refusal(self, refusal: NameRefused) -> None:
        """Put a refusal beside the field where it can be mended."""
        self.add_error(refusal.field if refusal.field in self.fields else "display_name", refusal.message)


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
