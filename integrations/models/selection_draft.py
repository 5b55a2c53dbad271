"""What one member ticked on the pages of a source and did not finalize yet (app.md 10.2)."""

from django.conf import settings
from django.db import models

from integrations.models.integration import Integration


class SelectionDraft(models.Model):
    """The pending choices of one member for one source, in all their tabs and sessions.

    Where all tables are tracked or stopped at once `bulk` says so, and `streams` what was ticked after that.
    """

    TRACK, STOP = "track", "stop"

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="selection_drafts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    bulk = models.CharField(
        max_length=5, blank=True, choices=[(TRACK, "Track all"), (STOP, "Stop tracking all")]
    )
    streams = models.JSONField(
        default=dict, help_text="{number of a stream: {selected: boolean, fields: {name: boolean}}}"
    )
    parents = models.JSONField(default=list, help_text="Ticked databases and schemas: [database, schema].")
    version = models.PositiveIntegerField(default=0, help_text="Grows with each choice: two tabs can differ.")
    begun_at = models.DateTimeField(null=True, help_text="Since when choices are pending; null without any.")
    seen_change_id = models.BigIntegerField(default=0, help_text="The last schema change that was shown.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["integration", "user"], name="selection_draft_once_per_member")
        ]

    def __str__(self) -> str:
        return f"Pending choices of {self.user_id} for {self.integration_id}"

    @property
    def is_pending(self) -> bool:
        return bool(self.bulk or self.streams)

    def selected(self, stream_id: int, *, is_selected: bool | None, is_view: bool) -> bool:
        """Tell whether a stream is tracked with the pending choices."""
        ticked = self.streams.get(str(stream_id), {}).get("selected")
        if ticked is not None:
            return bool(ticked)
        if self.bulk == self.TRACK and not is_view:
            return True
        return is_selected is True and self.bulk != self.STOP

    def field(self, stream_id: int, name: str, *, chosen: bool | None, is_view: bool) -> bool | None:
        """Return what is chosen of a field with the pending choices."""
        ticked = self.streams.get(str(stream_id), {}).get("fields", {}).get(name)
        if ticked is not None:
            return bool(ticked)
        return True if self.bulk == self.TRACK and not is_view else chosen
