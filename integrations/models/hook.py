"""Post-load hooks: addresses that are told of each load, and what became of each message (app.md 12.4)."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account
from integrations.models.destination import Destination

MAX_HOOKS = 10
MAX_URL = 2_000


class HookQuerySet(models.QuerySet):
    def enabled(self) -> "HookQuerySet":
        return self.filter(disabled_at=None)


class Hook(models.Model):
    """One address. Its secret signs what is sent; it was shown once and is kept sealed."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="hooks")
    destination = models.ForeignKey(Destination, on_delete=models.CASCADE, related_name="hooks")
    url = models.CharField(max_length=MAX_URL)
    sealed_secret = models.TextField(editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    modified_at = models.DateTimeField(default=timezone.now)
    disabled_at = models.DateTimeField(null=True, blank=True)
    form_id = models.UUIDField(
        null=True, unique=True, help_text="Makes a form that is sent twice create once."
    )

    objects = HookQuerySet.as_manager()

    class Meta:
        verbose_name = "post-load hook"
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"Webhook {self.pk}"

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None


class DeliveryState(models.TextChoices):
    """What became of a message."""

    WAITING = "waiting", "Waiting"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"
    DROPPED = "dropped", "Not sent"


class Delivery(models.Model):
    """One message of a hook: what is sent is kept with it, so that it can be sent again."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="deliveries")
    hook = models.ForeignKey(Hook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=20)
    integration_name = models.CharField(max_length=255)
    table_name = models.CharField(max_length=1024)
    body = models.TextField(help_text="The JSON that is sent; it quotes bookmarks.")
    at = models.DateTimeField(help_text="When the load ended.")
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.WAITING)
    tries = models.PositiveIntegerField(default=0)
    replays = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveIntegerField(null=True, blank=True, help_text="Of the last answer.")
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = "hook delivery"
        verbose_name_plural = "hook deliveries"
        indexes = [
            models.Index(fields=["hook", "-at", "-id"], name="delivery_by_hook"),
            models.Index(fields=["hook"], condition=Q(state="waiting"), name="delivery_waiting"),
        ]

    def __str__(self) -> str:
        return f"Delivery {self.pk}"
