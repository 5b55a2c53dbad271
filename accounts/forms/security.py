"""Choices of the Security page."""

from django import forms


class SignInAlertsForm(forms.Form):
    """Whether new sign-ins are told by mail."""

    sign_in_alerts = forms.BooleanField(
        label="Send me a mail when somebody signs in with my name from a new device or place", required=False
    )
