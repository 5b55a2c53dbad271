"""A source of data: today an Import API integration, which outside programs push to."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import Account
from integrations.models.destination import Destination


class IntegrationType(models.TextChoices):
    """What kind of source it is; the value is the Connect API's type name."""

    IMPORT_API = "import_api", "Import API"


class IntegrationQuerySet(models.QuerySet):
    def live(self) -> "IntegrationQuerySet":
        return self.filter(deleted_at=None)


class Integration(models.Model):
    """One integration. Its schema name never changes: a trigger in the database refuses it (T-18)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="integrations")
    type = models.CharField(
        max_length=50, choices=IntegrationType.choices, default=IntegrationType.IMPORT_API
    )
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

    def __str__(self) -> str:
        return self.display_name

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None or self.system_paused_at is not None

    @property
    def accepts_data(self) -> bool:
        """Whether a push is accepted: neither paused nor deleted (app.md 17, rows 17 and 18)."""
        return self.deleted_at is None and not self.is_paused

    @property
    def status(self) -> str:
        return "Paused" if self.is_paused else "Active"
