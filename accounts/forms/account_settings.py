"""Forms of the Account Settings tab."""

import uuid

from django import forms

from accounts.forms.lines import LineField

REQUIRED = {"required": "This field is required"}


class CompanyForm(forms.Form):
    """Company information (app.md 5.1)."""

    company_name = LineField(
        label="Company Name",
        error_messages=REQUIRED,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )


class ApiKeyForm(forms.Form):
    """Configure Your API Access Key (app.md 6.4). The hidden id makes a form that is sent twice create once."""

    description = LineField(
        label="Key Description",
        error_messages=REQUIRED,
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
