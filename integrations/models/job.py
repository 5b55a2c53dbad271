"""Jobs of a source: connection checks and extractions, and how their phases ended (connect-api.md 3.7, 3.13)."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Account
from integrations.models.integration import Integration


class JobMode(models.TextChoices):
    """What a job does."""

    CHECK = "check", "Connection check"
    SYNC = "sync", "Extraction"


class JobTrigger(models.TextChoices):
    """Who asked for it."""

    SCHEDULE = "schedule", "Schedule"
    PAGE = "page", "Member"
    API = "api", "API"
    SET_UP = "setup", "Set-up"


class JobQuerySet(models.QuerySet):
    def open(self) -> "JobQuerySet":
        """Waiting or running."""
        return self.filter(completed_at=None)

    def checks(self) -> "JobQuerySet":
        return self.filter(mode=JobMode.CHECK)

    def extractions(self) -> "JobQuerySet":
        return self.filter(mode=JobMode.SYNC)


class Job(models.Model):
    """One run of a tap. A source has at most one open job of each mode (promise J1)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="jobs")
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="jobs")
    mode = models.CharField(max_length=10, choices=JobMode.choices)
    name = models.CharField(max_length=120, unique=True)
    trigger = models.CharField(max_length=10, choices=JobTrigger.choices)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    stop_asked_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    check_exit_status = models.IntegerField(null=True, blank=True)
    discovery_exit_status = models.IntegerField(null=True, blank=True)
    tap_exit_status = models.IntegerField(null=True, blank=True)
    target_exit_status = models.IntegerField(null=True, blank=True)
    discovery_description = models.TextField(null=True, blank=True)  # noqa: DJ001 - null is the documented value
    tap_description = models.TextField(null=True, blank=True)  # noqa: DJ001
    target_description = models.TextField(null=True, blank=True)  # noqa: DJ001
    records = models.PositiveBigIntegerField(default=0, help_text="Handed over to the queue so far.")
    batches = models.PositiveIntegerField(default=0)
    rows = models.JSONField(default=dict, blank=True, help_text="Records handed over, by stream.")
    log_bytes = models.PositiveBigIntegerField(default=0)
    log_purged_at = models.DateTimeField(null=True, blank=True)
    idempotency_digest = models.CharField(max_length=64, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "mode"],
                condition=models.Q(completed_at=None),
                name="job_one_open_per_source",
            ),
            models.UniqueConstraint(
                fields=["integration", "idempotency_digest"],
                condition=~models.Q(idempotency_digest=""),
                name="job_idempotency_once",
            ),
        ]
        indexes = [
            models.Index(fields=["integration", "mode", "-created_at"], name="job_by_source"),
            models.Index(fields=["account", "mode", "completed_at"], name="job_by_account"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.completed_at is None

    @property
    def statuses(self) -> list[int | None]:
        """The exit statuses of its phases, in their order."""
        last = self.tap_exit_status, self.target_exit_status
        return [
            self.discovery_exit_status,
            *(last if self.mode == JobMode.SYNC else (self.check_exit_status,)),
        ]

    @property
    def outcome(self) -> str:
        """How it stands in a word: running, succeeded, failed, stopped or timed out.

        A job that reached its time limit has no status at all (connect-api.md 5.3).
        """
        if self.completed_at is None:
            return "running"
        if all(status == 0 for status in self.statuses):
            return "succeeded"
        if self.stop_asked_at is not None:
            return "stopped"
        return "timed out" if all(status is None for status in self.statuses) else "failed"
