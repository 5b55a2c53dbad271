"""Forms of the Account Settings tab."""

import uuid

from django import forms
from django.core.exceptions import ValidationError

from accounts.lines import LineRefused, clean_line

REQUIRED = {"required": "This field is required"}


class LineField(forms.CharField):
    """One line of text under the rule of `clean_line`."""

    def __init__(self, **options):
        super().__init__(error_messages=REQUIRED, **options)
        self.widget.attrs["maxlength"] = 255

    def clean(self, value: object) -> str:
        line = super().clean(value)
        try:
            return clean_line(line)
        except LineRefused as refusal:
            raise ValidationError(refusal.message) from refusal


class CompanyForm(forms.Form):
    """Company information (app.md 5.1)."""

    company_name = LineField(
        label="Company Name", widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )


class ApiKeyForm(forms.Form):
    """Configure Your API Access Key (app.md 6.4). The hidden id makes a form that is sent twice create once."""

    description = LineField(
        label="Key Description",
        help_text="What will this key be used for? For example: "
        "Used to create and configure Salesforce integrations",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    form_id = forms.UUIDField(
        widget=forms.HiddenInput,
        initial=uuid.uuid4,
        error_messages={
            "required": "This form was not complete. Open it again.",
            "invalid": "This form was not complete. Open it again.",
        },
    )
