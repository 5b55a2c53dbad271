"""The staff's form for a pasted credential."""

from django import forms


class CredentialForm(forms.Form):
    """A key or token. It is never written back into the page."""

    secret = forms.CharField(
        label="API access key or Import API access token",
        max_length=500,
        help_text="With or without the word Bearer before it.",
        widget=forms.PasswordInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autofocus": True, "class": "vTextField"}
        ),
    )

    def clean_secret(self) -> str:
        secret = self.cleaned_data["secret"].strip()
        word, _, rest = secret.partition(" ")
        return rest.strip() if word.lower() in ("bearer", "bearer:") else secret
