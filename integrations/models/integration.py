"""A source of data: what outside programs push to, or what a tap reads."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import Account
from integrations.models.destination import Destination


class IntegrationType(models.TextChoices):
    """The kinds of source that are no taps; the value is the Connect API's type name.

    Those that are have the name of their declaration (`integrations/sources`), which a server may have added.
    """

    IMPORT_API = "import_api", "Import API"


class SetUpStep(models.TextChoices):
    """What a source waits for before it replicates (connect-api.md 3.4)."""

    FORM = "form", "Connection"
    DISCOVER_SCHEMA = "discover_schema", "Connection check"
    FIELD_SELECTION = "field_selection", "Choice of data"
    FULLY_CONFIGURED = "fully_configured", "Fully configured"


class IntegrationQuerySet(models.QuerySet):
    def live(self) -> "IntegrationQuerySet":
        return self.filter(deleted_at=None)


class Integration(models.Model):
    """One integration. Its schema name never changes: a trigger in the database refuses it (T-18)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="integrations")
    type = models.CharField(max_length=50, default=IntegrationType.IMPORT_API)
    display_name = models.CharField(max_length=255)
    schema_name = models.CharField(max_length=49)
    destination = models.ForeignKey(
        Destination, null=True, blank=True, on_delete=models.SET_NULL, related_name="integrations"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    paused_at = models.DateTimeField(null=True, blank=True)
    system_paused_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    last_received_at = models.DateTimeField(null=True, blank=True)
    properties = models.JSONField(
        default=dict, blank=True, help_text="What the connection form says, as strings, without credentials."
    )
    sealed_credentials = models.TextField(
        blank=True, editable=False, help_text="The form’s credentials as one JSON object, sealed."
    )
    step = models.CharField(
        max_length=20, choices=SetUpStep.choices, default=SetUpStep.FULLY_CONFIGURED, verbose_name="set-up"
    )
    next_run_at = models.DateTimeField(
        null=True, blank=True, help_text="When the schedule starts the next extraction."
    )
    form_id = models.UUIDField(
        null=True, unique=True, help_text="Makes a form that is sent twice create once."
    )

    objects = IntegrationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "schema_name"],
                condition=models.Q(deleted_at=None),
                name="integration_schema_once_per_account",
            ),
            models.UniqueConstraint(
                "account",
                Lower("display_name"),
                condition=models.Q(deleted_at=None),
                name="integration_name_once_per_account",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_run_at"],
                condition=models.Q(next_run_at__isnull=False),
                name="integration_by_next_run",
            )
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None or self.system_paused_at is not None

    @property
    def is_push(self) -> bool:
        """Whether programs push to it; if not, a tap reads its data."""
        return self.type == IntegrationType.IMPORT_API

    @property
    def is_configured(self) -> bool:
        return self.step == SetUpStep.FULLY_CONFIGURED

    @property
    def accepts_data(self) -> bool:
        """Whether a push is accepted: neither paused nor deleted (app.md 17, rows 17 and 18)."""
        return self.is_push and self.deleted_at is None and not self.is_paused

    @property
    def status(self) -> str:
        """The state of app.md 9.1: set-up that is not finished comes before a pause."""
        if not self.is_configured:
            return "Not Configured"
        return "Paused" if self.is_paused else "Active"
