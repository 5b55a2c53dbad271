"""The sign-up form (app.md 4.1)."""

from django import forms
from django.core.exceptions import ValidationError

from accounts.errors import DomainError
from accounts.forms.passwords import new_password_field
from accounts.forms.session import FocusOnError
from accounts.lines import clean_line
from accounts.models import Region


def line_field(label: str, *, max_length: int, autocomplete: str, autofocus: bool = False) -> forms.CharField:
    """One line of text about a person or a company."""
    attributes = {"autocomplete": autocomplete} | ({"autofocus": True} if autofocus else {})
    return forms.CharField(label=label, max_length=max_length, widget=forms.TextInput(attrs=attributes))


class LineFieldsMixin:
    """Refuses, in the named fields, what could forge a line where it is shown (promise A4)."""

    line_fields: tuple[str, ...] = ()

    def clean(self) -> dict:
        cleaned = super().clean()
        for name in self.line_fields:
            if name in cleaned:
                try:
                    cleaned[name] = clean_line(cleaned[name])
                except DomainError as error:
                    self.add_error(name, ValidationError(error.message, code=error.code))
        return cleaned


class SignUpForm(FocusOnError, LineFieldsMixin, forms.Form):
    """Who somebody is, where they work, and in which region their data is handled."""

    line_fields = ("first_name", "last_name", "company_name")

    first_name = line_field("First Name", max_length=100, autocomplete="given-name", autofocus=True)
    last_name = line_field("Last Name", max_length=100, autocomplete="family-name")
    email = forms.EmailField(
        label="Email Address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    company_name = line_field("Company Name", max_length=255, autocomplete="organization")
    password = new_password_field("Password")
    region = forms.ChoiceField(
        label="Data pipeline region",
        choices=[(region.value, f"{region.label} - {region.provider_region}") for region in Region],
        initial=Region.NORTH_AMERICA.value,
        help_text="Where your data is extracted, prepared and loaded. It cannot be changed later.",
    )
    form_id = forms.CharField(max_length=64, widget=forms.HiddenInput)
