"""The first seven days of an integration, whose rows are free (app.md 13.1)."""

from datetime import datetime, timedelta

from django.db import models

from accounts.models import Account

FREE_FOR = timedelta(days=7)


class FreeWeekQuerySet(models.QuerySet):
    def ending_after(self, moment: datetime) -> "FreeWeekQuerySet":
        return self.filter(began_at__gt=moment - FREE_FOR)


class FreeWeek(models.Model):
    """Begins with the first row loaded into a schema name of the account, and never again for that name.

    It goes by the name, not by the integration: one that is deleted and made anew gets no second week.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="free_weeks")
    schema_name = models.CharField(max_length=49)
    began_at = models.DateTimeField(help_text="When the first row was loaded.")

    objects = FreeWeekQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "schema_name"], name="free_week_once_per_schema"),
        ]

    def __str__(self) -> str:
        return self.schema_name

    @property
    def ends_at(self) -> datetime:
        return self.began_at + FREE_FOR

    def covers(self, moment: datetime) -> bool:
        return moment < self.ends_at
