"""An invitation: somebody's place in an account, waiting for them (app.md 8.3, decision D6)."""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models.account import Account
from accounts.models.membership import Role

LINK_LIFETIME = timedelta(days=7)


def new_nonce() -> str:
    """Return what a link is bound to; another one ends every link made before. No secret: links are signed."""
    return secrets.token_urlsafe(16)


def link_end() -> datetime:
    """Return when a link made now stops working."""
    return timezone.now() + LINK_LIFETIME


class InvitationQuerySet(models.QuerySet):
    def open(self) -> "InvitationQuerySet":
        """Return those that were neither accepted nor cancelled; their links may have expired."""
        return self.filter(accepted_at=None, cancelled_at=None)

    def pending(self, now: datetime) -> "InvitationQuerySet":
        """Return those with a link that works: they hold a place in the account."""
        return self.open().filter(expires_at__gt=now)


class Invitation(models.Model):
    """One address invited into one account. A row holds nothing that opens it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.GENERAL_USER)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    nonce = models.CharField(max_length=32, default=new_nonce)
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=link_end)
    accepted_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    form_id = models.UUIDField(
        null=True, unique=True, help_text="Makes a form that is sent twice invite once."
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "email"],
                condition=models.Q(accepted_at=None, cancelled_at=None),
                name="invitation_one_open_per_address",
            ),
        ]
        indexes = [models.Index(fields=["email"], name="invitation_by_email")]

    def __str__(self) -> str:
        return f"{self.email} to {self.account}"

    @property
    def is_open(self) -> bool:
        return self.accepted_at is None and self.cancelled_at is None

    def is_pending(self, now: datetime) -> bool:
        return self.is_open and self.expires_at > now
