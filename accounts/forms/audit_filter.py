"""What the Activity page shows of the audit trail."""

from django import forms
from django.core.exceptions import ValidationError

from accounts.audit import Event
from accounts.models import Account


class AuditFilterForm(forms.Form):
    """Event, person and days; an empty field does not narrow."""

    event = forms.ChoiceField(label="Event", required=False)
    person = forms.TypedChoiceField(label="Person", required=False, coerce=int, empty_value=None)
    first_day = forms.DateField(
        label="From (UTC)", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last_day = forms.DateField(
        label="To (UTC)", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args, account: Account, **kwargs):
        super().__init__(*args, **kwargs)
        labels = sorted(((event.value, event.label) for event in Event), key=lambda choice: choice[1])
        self.fields["event"].choices = [("", "All events"), *labels]
        memberships = account.memberships.select_related("user").order_by(
            "user__first_name", "user__last_name"
        )
        self.fields["person"].choices = [
            ("", "Everybody"),
            *((m.user_id, f"{m.user.get_full_name()} ({m.user.email})") for m in memberships),
        ]

    def clean(self) -> dict:
        first, last = self.cleaned_data.get("first_day"), self.cleaned_data.get("last_day")
        if first and last and last < first:
            raise ValidationError("The last day is before the first.")
        return self.cleaned_data

    def criteria(self) -> dict[str, object]:
        """Return what narrows the trail; nothing when the form is not valid."""
        if not self.is_valid():
            return {}
        chosen = self.cleaned_data
        return {
            "event": chosen["event"],
            "actor_id": chosen["person"],
            "first_day": chosen["first_day"],
            "last_day": chosen["last_day"],
        }
