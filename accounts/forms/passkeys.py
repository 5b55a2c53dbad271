"""What a browser sends of a passkey."""

from django import forms

from accounts.forms.lines import LineField
from accounts.forms.session import FocusOnError
from accounts.services.passkeys import MAX_CREDENTIAL_LENGTH


class PasskeyForm(FocusOnError, forms.Form):
    """A new passkey: a name to know it by, and what the browser has made."""

    name = LineField(
        label="Name",
        most_characters=100,
        help_text="By which you will know it in the list: the device, or the password manager, that keeps it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    credential = forms.CharField(
        required=False,
        max_length=MAX_CREDENTIAL_LENGTH,
        widget=forms.HiddenInput(attrs={"data-credential": ""}),
    )


class PasskeySignInForm(forms.Form):
    """A passkey's answer. What is wrong with it is said once for the whole form."""

    credential = forms.CharField(required=False, max_length=MAX_CREDENTIAL_LENGTH)
