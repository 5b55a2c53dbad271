"""What the Requests page shows of the log."""

from django import forms

from integrations.models import AccessToken, Integration
from stitchapp import formats

RESULTS = (
    ("", "All results"),
    ("2", "Accepted or answered (2xx)"),
    ("4", "Refused (4xx)"),
    ("5", "Failed (5xx)"),
)
ENDPOINTS = {
    "batch": "batch",
    "push": "push",
    "validate": "validate",
    "batch_receipt": "batches/<receipt>",
}


def token_label(token: AccessToken) -> str:
    """Return what tells a token from others: its number, its date, and whether it was revoked."""
    return f"{token.pk}, {formats.token_time(token.created_at)}{'' if token.is_active else ' (revoked)'}"


class RequestFilterForm(forms.Form):
    """Result, token, endpoint and table; an empty field does not narrow."""

    status = forms.ChoiceField(label="Result", required=False, choices=RESULTS)
    token = forms.TypedChoiceField(label="Token", required=False, coerce=int, empty_value=None)
    endpoint = forms.ChoiceField(
        label="Endpoint", required=False, choices=[("", "All endpoints"), *ENDPOINTS.items()]
    )
    table = forms.CharField(label="Table name contains", required=False, max_length=200)

    def __init__(self, *args, integration: Integration, **kwargs):
        super().__init__(*args, **kwargs)
        tokens = integration.access_tokens.order_by("-pk")
        self.fields["token"].choices = [
            ("", "All tokens"),
            *((token.pk, token_label(token)) for token in tokens),
        ]

    def criteria(self) -> dict[str, object]:
        """Return what narrows the log; nothing when the form is not valid."""
        if not self.is_valid():
            return {}
        chosen = self.cleaned_data
        return {
            "status": chosen["status"],
            "token_id": chosen["token"],
            "endpoint": chosen["endpoint"],
            "table": chosen["table"],
        }
