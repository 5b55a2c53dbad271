"""Forms of the Members tab, and of accepting an invitation (app.md 8.3)."""

import uuid
from datetime import UTC, date, datetime, time, timedelta

from django import forms
from django.utils import timezone

from accounts.forms.account_settings import REQUIRED
from accounts.forms.addresses import AddressField
from accounts.forms.lines import LineField
from accounts.forms.passwords import new_password_field
from accounts.forms.session import FocusOnError
from accounts.models import Account, ApiKey, Membership, Region, Role, User
from accounts.services.leavers import Delete, Keep, KeyChoice

INCOMPLETE = dict.fromkeys(("required", "invalid"), "This form was not complete. Open it again.")
LONGEST_KEPT = timedelta(days=3650)
DISABLE, KEEP, DELETE = "disable", "keep", "delete"
CHOICES = [(DISABLE, "Disable it now"), (KEEP, "Keep it under a new owner"), (DELETE, "Delete it")]


class InvitationForm(FocusOnError, forms.Form):
    """Whom to invite, and as what."""

    email = AddressField(
        label="Email Address",
        error_messages=REQUIRED,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.GENERAL_USER.value)
    form_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4, error_messages=INCOMPLETE)

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class RoleForm(forms.Form):
    """The role that was chosen in a row's menu."""

    role = forms.ChoiceField(choices=Role.choices)

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class NewMemberForm(FocusOnError, forms.Form):
    """Name and password of somebody who accepts an invitation and has no sign-in yet."""

    first_name = LineField(
        label="First Name",
        most_characters=100,
        widget=forms.TextInput(attrs={"autocomplete": "given-name", "autofocus": True}),
    )
    last_name = LineField(
        label="Last Name",
        most_characters=100,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    password = new_password_field("Password")
    form_id = forms.CharField(max_length=64, widget=forms.HiddenInput)


class AccountForm(FocusOnError, forms.Form):
    """Another account for somebody who has a sign-in."""

    company_name = LineField(
        label="Company Name",
        error_messages=REQUIRED,
        widget=forms.TextInput(attrs={"autocomplete": "organization", "autofocus": True}),
    )
    region = forms.ChoiceField(
        label="Data pipeline region",
        choices=[(region.value, f"{region.label} - {region.provider_region}") for region in Region],
        initial=Region.NORTH_AMERICA.value,
        help_text="Where your data is extracted, prepared and loaded. It cannot be changed later.",
    )
    form_id = forms.CharField(max_length=64, widget=forms.HiddenInput)


class KeyChoiceForm(forms.Form):
    """What becomes of one key of somebody who leaves."""

    choice = forms.ChoiceField(
        label="What happens to it",
        choices=CHOICES,
        initial=DISABLE,
        required=False,  # a key that came into being after the page was opened is disabled
        widget=forms.RadioSelect,
    )
    owner = forms.EmailField(
        label="New owner",
        required=False,
        max_length=254,
        help_text="The e-mail address of an active member. Only read when the key is kept.",
        widget=forms.EmailInput(attrs={"autocomplete": "off", "list": "new-owners"}),
    )
    until = forms.DateField(
        label="Until the end of",
        required=False,
        help_text="A day, in UTC. Leave it empty to keep the key for good.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args, key: ApiKey, **kwargs):
        super().__init__(*args, prefix=f"key-{key.pk}", **kwargs)
        self.key = key
        if not key.is_enabled:
            self.fields["choice"].choices = [(DISABLE, "Leave it disabled"), *CHOICES[1:]]

    def clean_until(self) -> date | None:
        until, today = self.cleaned_data["until"], timezone.now().date()
        if until is not None and until < today:
            raise forms.ValidationError("This day is over. Choose today or a later day.")
        if until is not None and until > today + LONGEST_KEPT:
            raise forms.ValidationError(
                "Choose a day within the next ten years, or none to keep it for good."
            )
        return until

    @property
    def keeps(self) -> bool:
        return self.cleaned_data.get("choice") == KEEP

    def as_choice(self, owner: User | None) -> KeyChoice | None:
        """Return the choice for the service; None means that the key is disabled."""
        if self.keeps and owner is not None:
            until = self.cleaned_data["until"]
            return Keep(owner, None if until is None else end_of(until))
        return Delete() if self.cleaned_data["choice"] == DELETE else None


class DepartureForm:
    """One choice for each key of somebody who leaves."""

    def __init__(self, data: dict | None, *, account: Account, leaver: Membership, keys: list[ApiKey]):
        self.account, self.leaver = account, leaver
        self.forms = [KeyChoiceForm(data, key=key) for key in keys]
        self.choices: dict[int, KeyChoice] = {}

    def is_valid(self) -> bool:
        """Check every key's part, and look all new owners up at once."""
        wrong = [form for form in self.forms if not form.is_valid()]  # every part says what is wrong with it
        if wrong:
            return False
        owners = self.owners_named()
        for form in self.forms:
            owner = owners.get(form.cleaned_data["owner"].lower())
            if form.keeps and owner is None:
                typed = form.cleaned_data["owner"]
                form.add_error(
                    "owner",
                    f"No other active member of this account has the address {typed}."
                    if typed
                    else "Say who owns the key from now on.",
                )
            elif choice := form.as_choice(owner):
                self.choices[form.key.pk] = choice
        return not any(form.errors for form in self.forms)

    def owners_named(self) -> dict[str, User]:
        """Return the active members, without the one who leaves, that the form names."""
        named = [form.cleaned_data["owner"].lower() for form in self.forms if form.keeps]
        found = self.account.memberships.active().filter(user__email__in=named).exclude(pk=self.leaver.pk)
        return {membership.user.email: membership.user for membership in found.select_related("user")}


def end_of(day: date) -> datetime:
    """Return the moment at which a UTC day is over."""
    return datetime.combine(day + timedelta(days=1), time.min, UTC)
