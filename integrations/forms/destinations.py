"""What arrives over HTTP to say where a destination is (app.md 11)."""

import uuid

from django import forms
from django.core.exceptions import ValidationError

from accounts.errors import DomainError
from accounts.forms.lines import LineField
from accounts.forms.session import FocusOnError
from integrations.models.destination import POSTGRES_PORT, Destination
from integrations.services.credentials import CredentialUnreadable
from integrations.services.destination_addresses import MalformedHost, clean_host
from integrations.services.destination_changes import (
    DELETE,
    PAUSE,
)
from integrations.services.destination_connections import Connection, connection_of
from integrations.services.destination_names import MAX_NAME_LENGTH, DestinationNameTaken, Names
from integrations.services.destination_properties import (
    MAX_CERTIFICATE_CHARACTERS,
    ValueRefused,
    clean_certificate,
    clean_identifier,
    password_needed,
)
from integrations.services.engines import LoadingRules

REQUIRED = {"required": "This field is required"}
PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class LoadingRulesForm(forms.Form):
    """How data is loaded into a destination, where an account can choose (loading.md 1.3, 4.3, 6.3)."""

    keep_name_on_split = forms.BooleanField(
        label="Keep a column's name when a second type appears in it",
        required=False,
        help_text="Ticked, “level” stays beside the new “level__do”. Not ticked, it becomes “level__bi”.",
    )
    keep_leading_digits = forms.BooleanField(
        label="Keep digits at the beginning of column names",
        required=False,
        help_text="Ticked, “24h_total” is a column of that name. Not ticked, it is “h_total”. A change is for new "
        "data: columns that are there stay.",
    )
    prunes_sub_rows = forms.BooleanField(
        label="Delete rows of sub tables that the newest version of their record does not have",
        required=False,
        help_text="Not ticked, they stay: join sub tables to their root table on the key and on _sdc_sequence.",
    )

    def rules(self) -> LoadingRules:
        """Return what was chosen."""
        chosen = self.cleaned_data
        return {
            "keep_name_on_split": chosen["keep_name_on_split"],
            "keep_leading_digits": chosen["keep_leading_digits"],
            "prunes_sub_rows": chosen["prunes_sub_rows"],
        }


class DestinationNamesForm(FocusOnError, LoadingRulesForm):
    """What people call a destination, and how it is loaded into."""

    display_name = LineField(
        label="Display Name",
        most_characters=MAX_NAME_LENGTH,
        error_messages=REQUIRED,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    description = LineField(
        label="Description", required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    revision = forms.IntegerField(widget=forms.HiddenInput, required=False, initial=0)

    def clean(self) -> dict:
        if any(field.name in self.errors for field in self.hidden_fields()):
            self.add_error(None, "This form was not complete. Open it again.")
        return self.cleaned_data

    def names(self) -> Names:
        """Return the names that were typed."""
        return {
            "display_name": self.cleaned_data["display_name"],
            "description": self.cleaned_data["description"],
        }

    def add_refusal(self, refusal: DomainError) -> None:
        """Put a refusal beside the field where it can be mended, or over the form."""
        field = {CredentialUnreadable: "password", DestinationNameTaken: "display_name"}.get(type(refusal))
        self.add_error(field, refusal.message)


class IdentifierField(forms.CharField):
    """The name of a database or a role, as PostgreSQL has it."""

    def clean(self, value: object) -> str:
        try:
            return clean_identifier(super().clean(value))
        except ValueRefused as refusal:
            raise ValidationError(str(refusal)) from refusal


class PostgresForm(DestinationNamesForm):
    """A PostgreSQL database. With `stored`, an empty password keeps the one that is stored."""

    host = forms.CharField(
        label="Host (Endpoint)",
        max_length=500,
        error_messages=REQUIRED,
        help_text="The server's name or IP address, for example warehouse.example.com",
        widget=forms.TextInput(attrs=PLAIN),
    )
    port = forms.IntegerField(
        label="Port",
        min_value=1,
        max_value=65_535,
        initial=POSTGRES_PORT,
        error_messages=REQUIRED | {"invalid": "Use a whole number from 1 to 65535."},
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    username = IdentifierField(label="Username", error_messages=REQUIRED, widget=forms.TextInput(attrs=PLAIN))
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=1_000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    database = IdentifierField(label="Database", error_messages=REQUIRED, widget=forms.TextInput(attrs=PLAIN))
    ssl = forms.BooleanField(label="Connect using SSL", required=False, initial=True)
    ssl_root_certificate = forms.CharField(
        label="CA certificate",
        required=False,
        max_length=MAX_CERTIFICATE_CHARACTERS,
        help_text="In PEM form. With one, the server's certificate and its host name are verified; without, the "
        "connection is encrypted but not verified.",
        widget=forms.Textarea(attrs=PLAIN | {"rows": 3}),
    )
    form_id = forms.UUIDField(widget=forms.HiddenInput, required=False, initial=uuid.uuid4)

    def __init__(self, *args, stored: Destination | None = None, pauses: int = 0, **kw):
        super().__init__(*args, **kw)
        self.stored = stored
        if stored is not None:
            self.fields["password"].widget.attrs["placeholder"] = "A password is stored"
            self.fields["password"].help_text = "It is never shown. Leave the field empty to keep it."
            del self.fields["form_id"]
        else:  # chosen once there is a destination
            for name in LoadingRulesForm.base_fields:
                del self.fields[name]
        if pauses:
            self.fields["understood"] = forms.BooleanField(
                label="Yes, pause "
                + ("this integration" if pauses == 1 else f"these {pauses} integrations")
                + " and load into the new destination from now on",
                error_messages={"required": "Tick this box to go on: nothing is changed without it."},
                widget=forms.CheckboxInput(attrs={"autocomplete": "off"}),  # Back asks again
            )

    def clean_host(self) -> str:
        try:
            return clean_host(self.cleaned_data["host"])
        except MalformedHost as refusal:
            raise ValidationError(refusal.message) from refusal

    def clean_ssl_root_certificate(self) -> str:
        try:
            return clean_certificate(self.cleaned_data["ssl_root_certificate"].strip() or None)
        except ValueRefused as refusal:
            raise ValidationError(str(refusal)) from refusal

    def clean(self) -> dict:
        super().clean()
        if "password" in self.data.getlist("left_out") and not self.cleaned_data.get("password"):
            self.add_error(
                "password", "Type the password again: it was not kept while you confirmed it is you."
            )
        elif self.stored is None and not self.cleaned_data.get("password"):
            self.add_error("password", REQUIRED["required"])
        elif self.stored is not None and not self.errors and not self.cleaned_data["password"]:
            self.require_password_for_another_server()
        return self.cleaned_data

    def require_password_for_another_server(self) -> None:
        """Refuse to send the stored password anywhere but to where it was meant for, and to nobody less safely."""
        typed = {name: self.cleaned_data[name] for name in ("host", "port", "username", "ssl")}
        if needed := password_needed(self.stored, **typed):
            self.add_error("password", needed)

    def connection(self) -> Connection:
        """Return the connection as it is typed, with the stored password where none is. Raises CredentialUnreadable."""
        typed = self.cleaned_data
        password = typed["password"]
        if not password and self.stored is not None:
            password = connection_of(self.stored).password
        return Connection(
            host=typed["host"],
            port=typed["port"],
            database=typed["database"],
            username=typed["username"],
            password=password,
            ssl=typed["ssl"],
            ssl_root_certificate=typed["ssl_root_certificate"],
        )


class RemovalForm(FocusOnError, forms.Form):
    """What happens to the integrations, and the words that confirm a removal (app.md 17, 36)."""

    connected = forms.ChoiceField(
        label="Connected Source Integrations",
        choices=[(PAUSE, "Pause the integrations"), (DELETE, "Delete the integrations")],
        initial=PAUSE,
        required=False,
        widget=forms.RadioSelect,
    )
    confirmation = forms.CharField(
        label="Confirm Removal", error_messages=REQUIRED, widget=forms.TextInput(attrs=PLAIN)
    )

    def __init__(self, *args, expected: str, choose: bool, **kw):
        super().__init__(*args, **kw)
        self.expected = expected
        self.fields["confirmation"].help_text = f"Type {expected} to confirm."
        if not choose:
            del self.fields["connected"]

    def clean_confirmation(self) -> str:
        typed = self.cleaned_data["confirmation"].strip()
        if typed != self.expected:
            raise ValidationError(f"Type {self.expected} exactly as it stands here.")
        return typed

    def connected_choice(self) -> str:
        """Return what becomes of the integrations."""
        return self.cleaned_data.get("connected") or PAUSE
