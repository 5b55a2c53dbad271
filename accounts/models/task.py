"""A piece of work that is done in the background: a mail to send, a hook to fire, something timed."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.account import Account


class TaskQuerySet(models.QuerySet):
    def open(self) -> "TaskQuerySet":
        """Return the work that is still to be done; what was done is gone, what failed for good is kept."""
        return self.filter(failed_at=None)

    def due(self, now: datetime) -> "TaskQuerySet":
        """Return the work that anybody may begin now."""
        return self.open().filter(lease=None, due_at__lte=now)

    def held(self) -> "TaskQuerySet":
        """Return the work that somebody has in hand."""
        return self.exclude(lease=None)

    def failed(self) -> "TaskQuerySet":
        """Return the work that was given up."""
        return self.exclude(failed_at=None)


class Task(models.Model):
    """One piece of work. It is written with the change that makes it necessary, and removed when it is done.

    `facts` say what to do, as JSON; never a secret. While a worker has the task in hand, the row names its lease,
    and nothing but the holder of that lease completes it.
    """

    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=200, blank=True, help_text="At most one open task of a kind has it.")
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks"
    )
    facts = models.JSONField(default=dict, blank=True)
    origin = models.JSONField(default=dict, blank=True, help_text="The request that asked for it.")
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    again_at = models.DateTimeField(
        null=True, blank=True, help_text="It was asked for again while it was being done."
    )
    attempts = models.PositiveIntegerField(default=0)
    interruptions = models.PositiveIntegerField(default=0, help_text="Tries whose worker did not survive.")
    lease = models.UUIDField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    leased_by = models.CharField(max_length=32, blank=True)
    error = models.CharField(max_length=500, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = "background task"
        ordering = ["due_at", "pk"]
        permissions = [("retry_task", "Can retry a failed background task")]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"],
                condition=Q(failed_at=None) & ~Q(key=""),
                name="task_one_open_per_key",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(failed_at=None, lease=None), name="task_due"),
            models.Index(fields=["leased_until"], condition=Q(lease__isnull=False), name="task_held"),
            models.Index(fields=["failed_at"], condition=Q(failed_at__isnull=False), name="task_failed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}".strip()
