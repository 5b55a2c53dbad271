"""Who is told by mail beside the members, and what their mails may hold (app.md 12.4)."""

import secrets

from django.conf import settings
from django.core import signing
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import Account

MAX_ADDRESSES = 10
LEAVING = "integrations.notification-address.leave"


def new_nonce() -> str:
    """Return what tells the links of an address from those made before."""
    return secrets.token_hex(8)


class NotificationAddressQuerySet(models.QuerySet):
    def receiving(self) -> "NotificationAddressQuerySet":
        """Those that get mail: confirmed by who reads it, and switched on."""
        return self.filter(confirmed_at__isnull=False, disabled_at=None)


class NotificationAddress(models.Model):
    """An address on the custom notification list. Nothing but a link is sent to one that was not confirmed."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="notification_addresses")
    email = models.EmailField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    asked_at = models.DateTimeField(default=timezone.now, help_text="When the link to confirm was last sent.")
    nonce = models.CharField(max_length=16, default=new_nonce, help_text="Another one ends all links before.")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True, help_text="When its reader wanted no more mail.")
    disabled_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationAddressQuerySet.as_manager()

    class Meta:
        verbose_name = "notification address"
        verbose_name_plural = "notification addresses"
        constraints = [
            models.UniqueConstraint("account", Lower("email"), name="notification_address_once"),
            models.CheckConstraint(
                condition=Q(left_at=None) | Q(confirmed_at=None),
                name="notification_address_left_or_confirmed",
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def leaving_code(self) -> str:
        """What stands in the link by which its reader stops all mail; good for as long as the address is listed."""
        return signing.Signer(salt=LEAVING, sep=".").sign(str(self.pk))

    @property
    def status(self) -> str:
        if self.left_at is not None:
            return "Unsubscribed"
        if self.disabled_at is not None:
            return "Disabled"
        return "Enabled" if self.confirmed_at is not None else "Waiting for confirmation"


class NotificationContent(models.Model):
    """What an account's mails may hold. An account without a row hides nothing."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="notification_content")
    hide_errors = models.BooleanField(default=False)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "notification content"
        verbose_name_plural = "notification content"
