"""The form that adds a post-load hook (app.md 12.4)."""

import uuid
from collections.abc import Sequence

from django import forms

from integrations.models import MAX_URL, Destination

INCOMPLETE = "This form was not complete. Open it again."


class HookForm(forms.Form):
    """Where to send, and for which destination when there are several; sent twice it adds one."""

    url = forms.CharField(
        label="Webhook URL",
        max_length=MAX_URL,
        error_messages={"required": "Invalid URI", "max_length": "Invalid URI"},
        help_text="A whole address that begins with https://, without a user name in it. "
        "For example: https://hooks.example.com/stitch",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autofocus": True, "inputmode": "url", "spellcheck": "false"}
        ),
    )
    destination = forms.ModelChoiceField(
        queryset=Destination._default_manager.none(),
        empty_label=None,
        help_text="The webhook is told of loads into this destination.",
    )
    form_id = forms.UUIDField(
        widget=forms.HiddenInput,
        initial=uuid.uuid4,
        error_messages={"required": INCOMPLETE, "invalid": INCOMPLETE},
    )

    def __init__(self, *args, destinations: Sequence[Destination], **options):
        super().__init__(*args, **options)
        if len(destinations) < 2:
            del self.fields["destination"]
            return
        pks = [destination.pk for destination in destinations]
        field = self.fields["destination"]
        field.queryset = Destination._default_manager.filter(pk__in=pks).order_by("pk")
        field.initial = pks[0]
