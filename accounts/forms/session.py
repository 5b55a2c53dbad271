"""Signing in, and showing once more that it is you."""

from allauth.account.adapter import get_adapter
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.services.passkeys import MAX_CREDENTIAL_LENGTH, PasskeyRefused, check_passkey

# Longer input than any password: it only costs hashing time.
MAX_PASSWORD_LENGTH = 1024


class FocusOnError:
    """Puts the first field that is wrong under the person's fingers when the page comes back."""

    def add_error(self, field: str | None, error: object) -> None:
        super().add_error(field, error)
        wrong = [name for name in self.fields if name in self.errors]
        if wrong:
            for name in self.fields:
                self.fields[name].widget.attrs.pop("autofocus", None)
            self.fields[wrong[0]].widget.attrs["autofocus"] = True


def password_field(label: str, *, autocomplete: str, autofocus: bool = False) -> forms.CharField:
    """A password as typed: blanks count, pasting works, and it never comes back in a page."""
    attributes = {"autocomplete": autocomplete} | ({"autofocus": True} if autofocus else {})
    return forms.CharField(
        label=label, strip=False, max_length=MAX_PASSWORD_LENGTH, widget=forms.PasswordInput(attrs=attributes)
    )


class SignInForm(FocusOnError, forms.Form):
    """E-mail address and password; one message for whatever is wrong with them (app.md 4.2)."""

    email = forms.EmailField(
        label="Email Address", widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
    password = password_field("Password", autocomplete="current-password")

    def __init__(self, *args, request: HttpRequest, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request
        self.person = None

    def clean(self) -> dict:
        if not self.errors:
            credentials = {key: self.cleaned_data[key] for key in ("email", "password")}
            self.person = get_adapter(self.request).authenticate(self.request, **credentials)
            if self.person is None:
                raise ValidationError("The email address or the password is not correct.")
        return self.cleaned_data


class PasswordAgainForm(FocusOnError, forms.Form):
    """The password, or a passkey, of the person who is signed in."""

    names = ("password_again", "passkey_again")
    password_again = password_field("Password", autocomplete="current-password", autofocus=True)
    passkey_again = forms.CharField(required=False, max_length=MAX_CREDENTIAL_LENGTH)

    def __init__(self, *args, request: HttpRequest, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request
        self.fields["password_again"].required = not self.data.get("passkey_again", "").strip()

    def clean_passkey_again(self) -> str:
        credential = self.cleaned_data["passkey_again"]
        if credential:
            try:
                check_passkey(credential=credential, person=self.request.user)
            except PasskeyRefused as error:
                raise ValidationError(error.message, code=error.code) from error
        return credential

    def clean_password_again(self) -> str:
        password = self.cleaned_data["password_again"]
        if not password:
            return ""  # a passkey came in its place
        if not get_adapter(self.request).reauthenticate(self.request.user, password):
            raise ValidationError("This password is not correct.")
        return password
