"""An API access key: the secret that opens the Connect API for one account."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models.account import Account
from accounts.models.membership import Membership
from accounts.models.use import Use
from accounts.models.user import User

MAX_API_KEYS = 10  # K-07: enabled and disabled together


class ApiKeyQuerySet(models.QuerySet):
    def enabled(self) -> "ApiKeyQuerySet":
        return self.filter(disabled_at=None)

    def owned_by(self, person: User) -> "ApiKeyQuerySet":
        """Return the keys that act in the person's name: made by them, or handed to them."""
        return self.filter(models.Q(handed_to=person) | models.Q(handed_to=None, created_by=person))

    def with_owners_membership(self) -> "ApiKeyQuerySet":
        """Annotate `owner_is_member`: whether the owner is an active member of the key's account."""
        membership = Membership.objects.active().filter(
            account=models.OuterRef("account"),
            user=Coalesce(models.OuterRef("handed_to"), models.OuterRef("created_by")),
        )
        return self.annotate(owner_is_member=models.Exists(membership))


class ApiKey(Use):
    """One key. Only its digest is kept; the secret was shown once (K-05)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="api_keys")
    description = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32, unique=True)
    last_four = models.CharField(max_length=4)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    disabled_at = models.DateTimeField(null=True, blank=True)
    handed_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The owner after the creator has left; empty while the creator owns the key.",
    )
    handed_until = models.DateTimeField(
        null=True, blank=True, help_text="When the key stops, if it was kept for a time only."
    )
    form_id = models.UUIDField(
        null=True, unique=True, help_text="Makes a form that is sent twice create once."
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API access key"
        ordering = ["-created_at", "-pk"]
        permissions = [
            ("disable_apikey", "Can disable API access key"),
            ("look_up_credential", "Can look up a pasted key or token"),
        ]

    def __str__(self) -> str:
        return f"API access key …{self.last_four}"

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None

    @property
    def owner(self) -> User:
        """The member in whose name the key acts."""
        return self.handed_to or self.created_by

    @property
    def owner_id(self) -> int:
        return self.handed_to_id or self.created_by_id

    def time_is_over(self, now: datetime) -> bool:
        """Tell whether the key was kept for a time that has passed."""
        return self.handed_until is not None and self.handed_until <= now


class ApiKeyRefusal(models.Model):
    """Refused requests with a known key, gathered by minute and reason (decision D29)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="api_key_refusals")
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="refusals")
    minute = models.DateTimeField()
    reason = models.CharField(max_length=50)
    address = models.GenericIPAddressField(null=True, blank=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "API access key refusal"
        constraints = [
            models.UniqueConstraint(fields=["api_key", "minute", "reason"], name="api_key_refusal_by_minute"),
        ]


class ApiKeyClient(models.Model):
    """A program that used a key, by the name it gives itself (User-Agent)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="api_key_clients")
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="clients")
    client = models.CharField(max_length=255, blank=True)
    first_used_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    last_used_address = models.GenericIPAddressField(null=True, blank=True)

    class Meta:
        verbose_name = "API access key client"
        ordering = ["-last_used_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["api_key", "client"], name="api_key_client_once_per_key"),
        ]

    def __str__(self) -> str:
        return f"{self.client or 'unnamed program'} with {self.api_key}"
