"""The sign-up form (app.md 4.1)."""

from django import forms

from accounts.forms.addresses import AddressField
from accounts.forms.lines import LineField
from accounts.forms.passwords import new_password_field
from accounts.forms.session import FocusOnError
from accounts.models import Region


class SignUpForm(FocusOnError, forms.Form):
    """Who somebody is, where they work, and in which region their data is handled."""

    first_name = LineField(
        label="First Name",
        most_characters=100,
        widget=forms.TextInput(attrs={"autocomplete": "given-name", "autofocus": True}),
    )
    last_name = LineField(
        label="Last Name",
        most_characters=100,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    email = AddressField(label="Email Address", widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    company_name = LineField(
        label="Company Name", widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    password = new_password_field("Password")
    region = forms.ChoiceField(
        label="Data pipeline region",
        choices=[(region.value, f"{region.label} - {region.provider_region}") for region in Region],
        initial=Region.NORTH_AMERICA.value,
        help_text="Where your data is extracted, prepared and loaded. It cannot be changed later.",
    )
    form_id = forms.CharField(max_length=64, widget=forms.HiddenInput)
