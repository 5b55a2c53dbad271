"""An Import API access token: the secret that writes into one integration."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Account
from accounts.models.use import Use
from integrations.models.integration import Integration

MAX_ACTIVE_TOKENS = 2  # T-31


class AccessTokenQuerySet(models.QuerySet):
    def active(self) -> "AccessTokenQuerySet":
        return self.filter(revoked_at=None)


class AccessToken(Use):
    """One token. Only its digest is kept; revoking keeps the row for the audit trail."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="access_tokens")
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="access_tokens")
    digest = models.BinaryField(max_length=32, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    form_id = models.UUIDField(
        null=True, unique=True, help_text="Makes a form that is sent twice create once."
    )

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "Import API access token"
        ordering = ["created_at", "pk"]
        permissions = [("revoke_accesstoken", "Can revoke Import API access token")]

    def __str__(self) -> str:
        return f"API access token {self.pk}"

    @property
    def is_active(self) -> bool:
        return self.revoked_at is None


class AccessTokenRefusal(models.Model):
    """Refused requests with a known token, gathered by minute and reason (decision D29)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="access_token_refusals")
    token = models.ForeignKey(AccessToken, on_delete=models.CASCADE, related_name="refusals")
    minute = models.DateTimeField()
    reason = models.CharField(max_length=50)
    address = models.GenericIPAddressField(null=True, blank=True)
    count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = "Import API access token refusal"
        constraints = [
            models.UniqueConstraint(
                fields=["token", "minute", "reason"], name="access_token_refusal_by_minute"
            ),
        ]
