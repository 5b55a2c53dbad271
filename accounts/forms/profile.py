"""What a person says about themselves (app.md 4.5)."""

from django import forms
from django.core.exceptions import ValidationError

from accounts.forms.addresses import AddressField
from accounts.forms.lines import LineField
from accounts.forms.session import FocusOnError
from accounts.models import User


class ProfileForm(FocusOnError, forms.Form):
    """Full name, e-mail address, and whether errors are mailed."""

    full_name = LineField(
        label="Full Name", most_characters=201, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    email = AddressField(label="Email Address", widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    error_mail = forms.BooleanField(
        label="Send this address email notifications about errors affecting your data", required=False
    )

    def __init__(self, *args, person: User, **kwargs):
        initial = {
            "full_name": person.get_full_name(),
            "email": person.email,
            "error_mail": person.error_mail,
        }
        super().__init__(*args, initial=initial, **kwargs)
        self.person = person

    def clean(self) -> dict:
        cleaned = super().clean()
        if name := cleaned.get("full_name"):
            first, _, last = name.rpartition(" ")
            first = first.strip()
            if name == self.person.get_full_name():  # else "van Beethoven" would lose its "van" unasked
                first, last = self.person.first_name, self.person.last_name
            cleaned["first_name"], cleaned["last_name"] = first, last
            if not first:
                self.add_error("full_name", ValidationError("Enter a first and a last name."))
            elif len(first) > 100 or len(last) > 100:
                self.add_error("full_name", ValidationError("Use at most 100 characters for each name."))
        return cleaned
