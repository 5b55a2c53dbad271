"""What a replay would send for one record, and what the destination would make of it. Nothing is stored."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.utils import timezone

from integrations.loading.reading import BATCH, read_table_batches
from integrations.loading.remedies import Remedy
from integrations.models import Integration, RejectedRecord
from integrations.queue.replaying import mend
from integrations.services.rehearsals import ComparedWith, rehearse_batches
from integrations.services.rejected_records import message_of


@dataclass(frozen=True, slots=True)
class ReplayPreview:
    """A record before and after. `problem` says why it would not be sent, or not be loaded."""

    before: object
    after: object = None
    problem: str = ""
    stops_table: bool = False
    changes_nothing: bool = False
    warning: str = ""
    columns: tuple[str, ...] = ()  # that the table would get for it


def preview_replay(*, integration: Integration, rejected: RejectedRecord, remedy: Remedy) -> ReplayPreview:
    """Mend one record and rehearse its load."""
    before = message_of(rejected)["data"]
    unfit: dict[int, str] = {}
    mended = mend(rejected.format, [rejected], remedy, unfit)
    if unfit:
        return ReplayPreview(before, problem=unfit[rejected.pk])
    after = mended.messages[rejected.pk]["data"]
    batches = read_table_batches(
        kind=BATCH, body=mended.body(), batch_id=str(uuid.uuid4()), received_at=timezone.now()
    )
    told = rehearse_batches(integration=integration, batches=batches)
    rehearsal = told.tables[0].rehearsal
    if rehearsal.error:
        problem = f"It is not sent, for it would stop the whole table: {rehearsal.error}"
        return ReplayPreview(before, after, problem=problem, stops_table=True)
    if rehearsal.rejected:
        return ReplayPreview(
            before, after, problem=f"It would be rejected again: {rehearsal.rejections[0].reason}"
        )
    warning = ""
    if told.compared_with is ComparedWith.RECORDED:
        warning = f"Compared with what the last load left, not with the destination itself. {told.problem}"
    columns = tuple(
        f"{table.name}.{column.name} ({column.type_name})"
        for table in rehearsal.tables
        for column in table.columns
        if column.state != "existing" and not column.by_loader
    )
    return ReplayPreview(
        before, after, changes_nothing=rehearsal.superseded > 0, warning=warning, columns=columns
    )
