"""Forms of Notification Settings (app.md 12.4)."""

from django import forms

from accounts.forms.addresses import AddressField

EMAIL_WORDS = "Required. Must be valid email address format."


class NotificationAddressForm(forms.Form):
    """One more address for the custom list."""

    email = AddressField(
        label="Email",
        error_messages={"required": EMAIL_WORDS, "invalid": EMAIL_WORDS, "max_length": EMAIL_WORDS},
        help_text="It gets a link to confirm, and nothing more until somebody there has followed it.",
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autofocus": True}),
    )


class NotificationContentForm(forms.Form):
    """What mails may hold."""

    hide_errors = forms.BooleanField(
        label="Hide plain-text error messages in email notifications",
        required=False,
        help_text="For the whole account. Mails then show an empty error box; All Notifications has the full text.",
    )
