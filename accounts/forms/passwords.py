"""New passwords: asked for, repeated, checked against the rule (promise S7)."""

from allauth.account.adapter import get_adapter
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.forms.session import FocusOnError, password_field

PASSWORD_RULE = "At least 12 characters, of any kind; not one of the common passwords. Pasting is fine."  # noqa: S105


def new_password_field(label: str) -> forms.CharField:
    """A password to be, with the rule said beside it."""
    field = password_field(label, autocomplete="new-password")
    field.help_text = PASSWORD_RULE
    field.validators.append(validate_password)
    return field


class NewPasswordForm(FocusOnError, forms.Form):
    """A new password, typed twice."""

    new_password = new_password_field("New Password")
    confirm_new_password = password_field("Confirm New Password", autocomplete="new-password")

    def clean(self) -> dict:
        cleaned = super().clean()
        first, second = cleaned.get("new_password"), cleaned.get("confirm_new_password")
        if first and second and first != second:
            self.add_error("confirm_new_password", "The two passwords are not the same.")
        return cleaned


class ChangePasswordForm(NewPasswordForm):
    """The old password, and a new one."""

    field_order = ("old_password", "new_password", "confirm_new_password")
    old_password = password_field("Old Password", autocomplete="current-password")

    def __init__(self, *args, request: HttpRequest, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        """Count wrong ones with the failed sign-ins: whoever found a session open shall not guess here."""
        password = self.cleaned_data["old_password"]
        if not get_adapter(self.request).reauthenticate(self.request.user, password):
            raise ValidationError("This is not your password.", code="old_password")
        return password


class ForgottenPasswordForm(FocusOnError, forms.Form):
    """The address to send a link to."""

    email = forms.EmailField(
        label="Email Address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True}),
    )
