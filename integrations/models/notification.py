"""What an account's people are told: one row for each cause, from when it begins until it is over (app.md 12)."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Account
from integrations.models.destination import Destination
from integrations.models.integration import Integration
from integrations.models.notification_kind import Category, Facts, Kind, Level

MAX_CAUSE = 200


def kinds_with(*, level: Level | None = None, category: Category | None = None) -> list[str]:
    """Return the stored names of the kinds of a level, a category, or both."""
    return [
        kind.stored
        for kind in Kind
        if level in (None, kind.facts.level) and category in (None, kind.facts.category)
    ]


class NotificationQuerySet(models.QuerySet):
    def standing(self) -> "NotificationQuerySet":
        """Those whose cause is not over, dismissed ones too."""
        return self.filter(cleared_at=None)

    def open(self) -> "NotificationQuerySet":
        """Those that want to be seen: the cause is not over, and nobody has dismissed them."""
        return self.filter(cleared_at=None, dismissed_at=None)

    def past(self) -> "NotificationQuerySet":
        """Those that are over, or that somebody dismissed."""
        return self.exclude(cleared_at=None, dismissed_at=None)


class Notification(models.Model):
    """One cause. While it stands there is one row, whatever happens again; `occurrences` counts."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=40)
    cause = models.CharField(max_length=MAX_CAUSE, help_text="Tells causes of a kind apart.")
    integration = models.ForeignKey(
        Integration, null=True, blank=True, on_delete=models.CASCADE, related_name="notifications"
    )
    destination = models.ForeignKey(
        Destination, null=True, blank=True, on_delete=models.CASCADE, related_name="notifications"
    )
    table_name = models.CharField(max_length=1024, blank=True)
    message = models.TextField(help_text="What happened, in a sentence.")
    details = models.TextField(blank=True, help_text="The error as it was; it may quote data.")
    occurrences = models.PositiveIntegerField(default=1)
    began_at = models.DateTimeField(help_text="When the cause was first seen.")
    latest_at = models.DateTimeField(help_text="When it was last seen.")
    mail_due_at = models.DateTimeField(
        null=True, blank=True, help_text="None: its mail was sent, or is none."
    )
    mailed_at = models.DateTimeField(null=True, blank=True)
    dismissed_at = models.DateTimeField(null=True, blank=True)
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    cleared_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "cause", "kind"],
                condition=Q(cleared_at=None),
                name="notification_one_per_cause",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "-began_at"],
                condition=Q(cleared_at=None, dismissed_at=None),
                name="notification_open",
            ),
            models.Index(fields=["account", "-latest_at"], name="notification_by_account"),
            models.Index(
                fields=["mail_due_at"], condition=Q(mail_due_at__isnull=False), name="notification_mail_due"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.facts.name}: {self.cause}"

    @property
    def facts(self) -> Facts:
        """How this kind is shown and mailed."""
        return Kind.of(self.kind).facts

    @property
    def is_open(self) -> bool:
        return self.cleared_at is None and self.dismissed_at is None
