"""One thing that happened to an account, a key, a token or a person. Append-only (promise A3)."""

from datetime import UTC, date, datetime, time

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models.account import Account


class AppendOnly(TypeError):
    """Somebody tried to change or remove an audit event."""


class AuditEventQuerySet(models.QuerySet):
    def matching(
        self,
        *,
        event: str = "",
        actor_id: int | None = None,
        first_day: date | None = None,
        last_day: date | None = None,
    ) -> "AuditEventQuerySet":
        """Return the events of a kind, by a person, on or between UTC days; what is not given does not narrow."""
        events = self
        if event:
            events = events.filter(event=event)
        if actor_id is not None:
            events = events.filter(actor_id=actor_id)
        if first_day is not None:
            events = events.filter(at__gte=datetime.combine(first_day, time.min, UTC))
        if last_day is not None:
            events = events.filter(at__lte=datetime.combine(last_day, time.max, UTC))
        return events

    def update(self, **fields):
        raise AppendOnly("Audit events are never changed.")

    def delete(self):
        raise AppendOnly("Audit events are never removed.")

    def pseudonymise(self) -> int:
        """Take names, details and addresses out, where an account is deleted (decision D38). Nothing else may."""
        return super().update(object_name="", detail={}, address=None)


class AuditEvent(models.Model):
    """Who did what to which object, when, from where. Never holds a secret (promise P3)."""

    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.PROTECT, related_name="audit_events"
    )
    at = models.DateTimeField(default=timezone.now)
    event = models.CharField(max_length=50)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    by_staff = models.BooleanField(default=False)
    api_key_last_four = models.CharField(
        max_length=4, blank=True, help_text="The key that acted, if one did."
    )
    object_type = models.CharField(max_length=50, blank=True)
    object_id = models.BigIntegerField(null=True, blank=True)
    object_name = models.CharField(max_length=255, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    route = models.CharField(max_length=255, blank=True)
    request_id = models.CharField(max_length=32, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["account", "-at"], name="audit_event_by_account")]

    def __str__(self) -> str:
        return f"{self.event} at {self.at:%Y-%m-%d %H:%M:%S}"

    def save(self, *args, **kwargs):
        if self.pk is not None:
            raise AppendOnly("Audit events are never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise AppendOnly("Audit events are never removed.")
