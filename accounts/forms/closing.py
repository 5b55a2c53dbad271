"""Confirming that an account shall be closed."""

from django import forms
from django.core.exceptions import ValidationError

from accounts.forms.session import FocusOnError
from accounts.models import Account


class CloseAccountForm(FocusOnError, forms.Form):
    """The company's name, typed: nobody closes the wrong account of several."""

    company_name = forms.CharField(
        label="Company Name",
        max_length=255,
        help_text="Type the name of the account, as it stands above.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )

    def __init__(self, *args, account: Account, **kwargs):
        super().__init__(*args, **kwargs)
        self.account = account

    def clean_company_name(self) -> str:
        name = self.cleaned_data["company_name"]
        if name.strip() != self.account.company_name.strip():
            raise ValidationError("This is not the name of the account. Type it as it stands above.")
        return name
