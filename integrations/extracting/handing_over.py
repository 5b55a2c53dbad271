"""The target: what a tap wrote becomes batches in the queue, and only then its bookmark is stored.

Whatever the tap wrote before a STATE message is durable before the state is; killed in between, the next run reads
some rows once more, and loses none (promise I1). Sequences rise over all batches and runs of a source: each run
reserves its own before it uses them, so that not even a clock that goes back makes an old row win.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from accounts.models import Task
from accounts.services.task_leases import holding
from integrations.extracting.bodies import Gathered, Gathering
from integrations.extracting.messages import (
    ACTIVATE_VERSION,
    IGNORED,
    RECORD,
    SCHEMA,
    STATE,
    BadOutput,
    Lines,
    state_of,
)
from integrations.importapi.batches import parse_batch
from integrations.importapi.refusals import Refusal
from integrations.importapi.setting_aside import fault_of, stored_form, text_of
from integrations.models import BatchTable, Job, SourceState
from integrations.queue.accepting import QueueUnavailable, Replay, accept_batch, queue_has_spare_room
from integrations.services.table_names import tables_by_tap_name

logger = logging.getLogger("integrations.extracting")
BODY_BYTES = 4 * 1024**2  # of records that are gathered before they are handed over
CUT_SECONDS = 2.0  # a slow tap's rows are handed over so soon
NOTE_SECONDS = 1.0
RESERVED = 10**10  # sequences at once
SOURCE_SHARE = 8  # a source has this part of the queue's caps waiting at most
PAUSE_SECONDS, LONGEST_PAUSE = 0.5, 10.0
LOOK_SECONDS = 1.0


class Interrupted(Exception):
    """The job is to end while the queue has no room for what it holds."""


class Target:
    """Takes a tap's output for one run. `interrupted` tells, while the queue is full, whether to go on waiting."""

    def __init__(self, *, job: Job, task: Task, interrupted: Callable[[], bool]) -> None:
        self.job = job
        self.task = task
        self.interrupted = interrupted
        self.token = Replay(job.account_id, job.integration_id)
        self.lines = Lines(longest=settings.MAX_BODY_BYTES)
        self.state: dict[str, Any] | None = None  # the latest of the tap that is not stored yet
        self.rows: Counter[str] = Counter()
        self.batches = 0
        self.set_aside: Counter[str] = Counter()  # records that do not fit their tap's own schema, by stream
        self.first_fault: dict[str, str] = {}
        self.cut_at = time.monotonic() + CUT_SECONDS
        self.noted_at = self.looked_at = 0.0
        self.is_broken = False  # rows were lost on the way: no later bookmark counts
        self.gathering, self.stored_state = self._begin()

    def take(self, piece: bytes) -> None:
        """Take the next piece of the tap's output. Raises BadOutput, Interrupted and LeaseLost.

        After any of them the rest of the piece is lost, and with it the right to store a later bookmark.
        """
        try:
            self._take(piece)
        except BaseException:
            self.is_broken, self.state = True, None
            raise

    def _take(self, piece: bytes) -> None:
        for line in self.lines.of(piece):
            kind = line.type
            if kind == RECORD:
                if not self.gathering.record(line):
                    self.hand_over()
                    if not self.gathering.record(line):
                        raise BadOutput(f"A record of the stream {line.stream!r} does not fit into a batch.")
            elif kind == STATE:
                self.state = state_of(line)
            elif kind == SCHEMA:
                if not self.gathering.schema(line):
                    self.hand_over()
                    self.gathering.schema(line)
            elif kind == ACTIVATE_VERSION:
                self.hand_over()
                self._accept(self.gathering.activation(line))
            elif kind not in IGNORED:
                raise BadOutput(f"The tap wrote a message of an unknown type: {kind[:100]!r}.")
        self.cut_if_due()

    def cut_if_due(self) -> None:
        """Hand over what has been gathered for long enough; a slow tap's rows appear within seconds."""
        if time.monotonic() >= self.cut_at:
            self.hand_over()

    def end(self, *, may_be_cut: bool = False) -> None:
        """Hand over the rest; a tap that was ended may have been in the middle of a line."""
        if not may_be_cut:
            self.lines.end()
        self.hand_over()

    def hand_over(self) -> None:
        """Store everything gathered durably; then, and only then, the state that was written after it."""
        self.cut_at = time.monotonic() + CUT_SECONDS
        while (gathered := self.gathering.next()) is not None:
            self._accept(gathered)
            self.gathering.forget(gathered)
        state, self.state = self.state, None
        if state is not None and state != self.stored_state:
            self._store(state)
        elif time.monotonic() - self.noted_at >= NOTE_SECONDS:
            self.note()
        self.cut_at = time.monotonic() + CUT_SECONDS

    def columns(self) -> dict[str, Any]:
        """Return what was handed over so far, as the job's columns."""
        return {"records": self.rows.total(), "batches": self.batches, "rows": dict(self.rows)}

    def note(self) -> None:
        """Write how far the run is, if it is still this worker's. Raises LeaseLost."""
        with holding(self.task):
            self._note()

    def _begin(self) -> tuple[Gathering, dict[str, Any]]:
        """Reserve the sequences of this run and return the state to begin with."""
        with holding(self.task):
            found, _ = SourceState.objects.select_for_update().get_or_create(
                integration_id=self.job.integration_id, defaults={"updated_at": timezone.now()}
            )
            last = max(found.sequence, time.time_ns())
            self.reserved = last + RESERVED
            SourceState.objects.filter(pk=found.pk).update(sequence=self.reserved)
        most_bytes = min(BODY_BYTES, settings.MAX_BODY_BYTES // 2)
        tables = tables_by_tap_name(self.job.integration_id)
        return Gathering(most_bytes=most_bytes, sequence=last, tables=tables), found.state

    def _accept(self, gathered: Gathered) -> None:
        """Store a batch; wait while there is no room for it, and the tap waits with us."""
        name, body = gathered.form.table, gathered.body()
        if len(body) > settings.MAX_BODY_BYTES:
            raise BadOutput(
                f"A record of the stream {name!r} makes a batch of {len(body)} bytes; the most is "
                f"{settings.MAX_BODY_BYTES}."
            )
        if self.gathering.sequence > self.reserved:
            self._reserve()
        try:
            parsed = parse_batch(body, sets_aside=True)
        except Refusal as refusal:
            raise BadOutput(f"A batch of the stream {name!r} was refused: {text_of(refusal)}") from None
        kind, stored = stored_form(parsed, body)
        self._wait_for_room(len(stored), gathered.records)
        pause = PAUSE_SECONDS
        while True:
            try:
                accept_batch(
                    token=self.token,
                    kind=kind,
                    body=stored,
                    tables=parsed.tables,
                    received_at=timezone.now(),
                    plain=parsed.is_plain,
                    job_id=self.job.pk,
                )
                break
            except QueueUnavailable as error:
                logger.info("extraction.queue_full", extra={"job": self.job.pk, "reason": error.code})
                self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        self.batches += 1
        self.rows[name] += gathered.records
        if parsed.set_aside:
            self.set_aside[name] += len(parsed.set_aside)
            first = next(iter(parsed.set_aside.values()))
            self.first_fault.setdefault(name, fault_of(first).reason)

    def _wait_for_room(self, size: int, records: int) -> None:
        """Leave room to others: one source never fills the queue, nor do all of them the last part of it."""
        if time.monotonic() - self.looked_at < LOOK_SECONDS:
            return
        pause = PAUSE_SECONDS
        while self._has_much_waiting() or not queue_has_spare_room(size, records):
            self._pause(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        self.looked_at = time.monotonic()

    def _has_much_waiting(self) -> bool:
        waiting = BatchTable.objects.waiting().filter(integration_id=self.job.integration_id)
        found = waiting.aggregate(records=Sum("records"), size=Sum("batch__size"))
        return (found["size"] or 0) > settings.QUEUE_MAX_BYTES // SOURCE_SHARE or (
            found["records"] or 0
        ) > settings.QUEUE_MAX_RECORDS // SOURCE_SHARE

    def _pause(self, seconds: float) -> None:
        """Wait a little, unless the job is to end; the lease is confirmed meanwhile."""
        self.note()
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            if self.interrupted():
                raise Interrupted
            time.sleep(min(0.2, seconds))

    def _reserve(self) -> None:
        with holding(self.task):
            self.reserved = self.gathering.sequence + RESERVED
            SourceState.objects.filter(integration_id=self.job.integration_id).update(sequence=self.reserved)

    def _store(self, state: dict[str, Any]) -> None:
        """Keep how far the source is read. Raises LeaseLost: then another run's word counts."""
        with holding(self.task):
            SourceState.objects.filter(integration_id=self.job.integration_id).update(
                state=state, updated_at=timezone.now(), job=self.job.name
            )
            self._note()
        self.stored_state = state

    def _note(self) -> None:
        Job.objects.filter(pk=self.job.pk, completed_at=None).update(**self.columns())
        self.noted_at = time.monotonic()
