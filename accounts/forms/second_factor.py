"""Codes of the second step, and the first code of an app that is being added."""

from django import forms

from accounts.forms.session import FocusOnError

MAX_CODE_LENGTH = 40


def code_field(label: str, *, help_text: str = "") -> forms.CharField:
    """A code, as the app or the printed list shows it: blanks and dashes do not matter."""
    attributes = {
        "autocomplete": "one-time-code",
        "inputmode": "numeric",
        "autocapitalize": "none",
        "spellcheck": "false",
        "autofocus": True,
    }
    return forms.CharField(
        label=label,
        max_length=MAX_CODE_LENGTH,
        help_text=help_text,
        widget=forms.TextInput(attrs=attributes),
    )


class SecondStepForm(FocusOnError, forms.Form):
    """What a person shows after the password."""

    code = code_field(
        "Code", help_text="Six digits from your authenticator app, or one of your recovery codes."
    )


class AppForm(FocusOnError, forms.Form):
    """The first code of an app; `enrolment` is its secret, sealed (a name that the fresh sign-in carries)."""

    enrolment = forms.CharField(max_length=500, widget=forms.HiddenInput)
    code = code_field("Code", help_text="The six digits that the app shows now.")

    def clean_code(self) -> str:
        return "".join(character for character in self.cleaned_data["code"] if character.isalnum())
