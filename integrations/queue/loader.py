"""One load: a claimed table's bodies, read and merged into its destination, then recorded (loading.md 13)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial

from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from integrations.loading.batches import TableBatch
from integrations.loading.errors import LoadError, NoDestination
from integrations.loading.outcomes import BeforeCommit, TableLoad
from integrations.models import BatchTable, ErrorScope, Integration, Load
from integrations.queue import claiming, recording
from integrations.queue.bodies import Parts, readable_parts
from integrations.queue.recording import LoadedShares
from integrations.queue.rejecting import note_pending
from integrations.queue.targets import Target
from integrations.services.destinations import integrations_into
from integrations.services.engines import Loads, engine_of

logger = logging.getLogger("integrations.queue")
QUIET_TRANSIENT_TRIES = 3  # a busy warehouse is no news until it stays busy
TOGETHER_SECONDS = 2.0  # then a destination is closed, and others have their turn


def load_next() -> bool:
    """Load one table's waiting batches; return False when nothing is due."""
    claim = claiming.claim_next(now=timezone.now())
    if claim is None:
        return False
    carry_out(claim)
    return True


def carry_out(claim: claiming.Claim) -> None:
    """Load what a claim holds, and more for the same destination; whatever goes wrong, keep it and try again later."""
    with claiming.kept_alive(claim):
        Visit(claim).carry_out()


class Visit:
    """One opening of a destination: the claimed table, then others that wait for it, each committed by itself.

    What opening and noting cost is so paid once for many small loads. All is noted after the destination is closed:
    who reads that a batch is loaded can open the file. A table at fault holds up no other.
    """

    def __init__(self, claim: claiming.Claim) -> None:
        self.first = claim
        self.waiting = [claim]
        self.begun: list[claiming.Claim] = []
        self.shares: dict[int, list[BatchTable]] = {}  # that are to be loaded, by the table's number
        self.loaded: list[tuple[claiming.Claim, LoadedShares]] = []
        self.errors: dict[int, LoadError] = {}  # by the table's number
        self.started_at = timezone.now()

    def carry_out(self) -> None:
        """Load, note, and give the tables back."""
        try:
            error = caught(self.first, self.load) or caught(self.first, self.note)
        except claiming.LeaseLost:
            logger.warning("load.lease_lost", extra=facts(self.first))
            claiming.give_back(self.waiting)
            return
        if error is not None:
            for claim in self.begun or [self.first]:
                self.errors.setdefault(claim.table.pk, error)
        claiming.give_back(claim for claim in self.waiting if claim.table.pk not in self.errors)
        self.release()
        for claim in [self.first, *self.begun[1:]]:
            if claim.table.pk in self.errors:
                put_off(claim, self.errors[claim.table.pk], started_at=self.started_at)

    def load(self) -> None:
        """Load one table after the other, for about a second, or until somebody waits for the destination."""
        target = self.first.target
        if target is None:
            raise LoadError("The integration does not exist any more.")
        self.settle_earlier()
        if not self.shares[self.first.table.pk]:
            self.begun, self.waiting = self.waiting, []
            return
        until = time.monotonic() + TOGETHER_SECONDS
        with opened(target) as loads:
            while self.waiting:
                claim = self.waiting.pop(0)
                self.begun.append(claim)
                error = caught(claim, partial(self.load_table, loads, target, claim))
                if error is not None:
                    self.errors[claim.table.pk] = error
                if (error is not None and error.scope == "destination") or time.monotonic() >= until:
                    break
                if loads.is_wanted() or (not self.waiting and caught(self.first, self.claim_more)):
                    break

    def claim_more(self) -> None:
        """Claim as many other tables as were loaded so far: what is given back in the end is never the most of it."""
        self.waiting = claiming.claim_beside(
            self.first,
            most=len(self.begun),
            beside=[share for shares in self.shares.values() for share in shares],
            now=timezone.now(),
        )
        if self.waiting:
            self.settle_earlier()

    def settle_earlier(self) -> None:
        """Mark what an earlier loader recorded and did not live to mark; the other shares are to be loaded."""
        claims = {claim.table.pk: claim for claim in self.waiting}
        settled: set[int] = set()
        for table, load in recording.unsettled_loads(tables=[claim.table for claim in self.waiting]):
            settled |= mark([(claims[table], load)])
        for pk, claim in claims.items():
            self.shares[pk] = [share for share in claim.shares if share.pk not in settled]

    def load_table(self, loads: Loads, target: Target, claim: claiming.Claim) -> None:
        """Load what waits for one table."""
        parts = readable_parts(target.integration, claim.table, self.shares[claim.table.pk])
        shares = [share for share in self.shares[claim.table.pk] if share.pk in parts]
        if shares:
            self.load_shares(loads, target, claim, shares, parts)

    def load_shares(
        self, loads: Loads, target: Target, claim: claiming.Claim, shares: list[BatchTable], parts: Parts
    ) -> None:
        """Load shares together; if they cannot be, those before the one at fault, and then raise its error."""
        started_at = timezone.now()
        try:
            outcome = load_into(
                loads,
                target,
                [part for share in shares for part in parts[share.pk]],
                batched_at=started_at,
                before_commit=partial(note_pending, shares),
            )
        except LoadError as error:
            if error.transient or error.scope == "destination" or len(shares) == 1:
                raise
            half = len(shares) // 2
            self.load_shares(loads, target, claim, shares[:half], parts)
            self.load_shares(loads, target, claim, shares[half:], parts)
            return
        loaded = LoadedShares(claim.table, shares, outcome, started_at, timezone.now())
        self.loaded.append((claim, loaded))

    def note(self) -> None:
        """Record what was loaded, and mark it. Raises LeaseLost."""
        target = self.first.target
        if not self.loaded or target is None:
            return
        loads = recording.record_loads(
            integration=target.integration,
            destination=target.destination,
            loaded=[loaded for _, loaded in self.loaded],
        )
        claims = [claim for claim, _ in self.loaded]
        mark(list(zip(claims, loads, strict=True)))
        for claim, load in zip(claims, loads, strict=True):
            logger.info("load.finished", extra=facts(claim) | {"rows": load.rows, "batches": load.batches})

    def release(self) -> None:
        """Give back what was loaded; where the destination was at fault before, let all try that wait for it."""
        target = self.first.target
        good = [claim for claim in self.begun if claim.table.pk not in self.errors]
        if not good or target is None:
            return
        answers = self.loaded and self.first.table.error_scope == ErrorScope.DESTINATION
        if answers and target.destination is not None:
            into = integrations_into(destination=target.destination)
            claiming.release_destination(pks(into), now=timezone.now())
        claiming.release(*good)


def caught(claim: claiming.Claim, step: Callable[[], None]) -> LoadError | None:
    """Carry out a step of a claim; return what went wrong, if anything. Raises LeaseLost."""
    try:
        step()
    except claiming.LeaseLost:
        raise
    except LoadError as error:
        return error
    except DatabaseError as error:
        logger.warning("load.database_error", extra=facts(claim) | {"reason": str(error)})
        return LoadError("The application's database did not answer.", transient=True, fault="own")
    except Exception as error:  # one table's surprise must not stop the others (promise I11)
        logger.exception("load.failed_unexpectedly", extra=facts(claim))
        return LoadError(f"Internal error: {type(error).__name__}", fault="own")
    return None


def mark(recorded: list[tuple[claiming.Claim, Load]]) -> set[int]:
    """Let the queue mark the shares that recorded loads have counted; return them. Raises LeaseLost."""
    marks = [
        claiming.Mark(claim, recording.counted_shares(load), load.started_at) for claim, load in recorded
    ]
    claiming.mark_loaded(*marks, now=timezone.now())
    recording.settle(*(load for _, load in recorded))
    return {pk for each in marks for pk in each.counts}


def opened(target: Target) -> AbstractContextManager[Loads]:
    """Open a target's destination for loads. Raises LoadError."""
    if target.destination is None:
        raise NoDestination
    return engine_of(target.destination).loading()


def load_into(
    loads: Loads,
    target: Target,
    batches: list[TableBatch],
    *,
    batched_at: datetime,
    before_commit: BeforeCommit,
) -> TableLoad:
    """Merge one table's batches into its destination."""
    return loads.load(
        schema_name=target.integration.schema_name,
        table_name=batches[0].table_name,
        batches=batches,
        batched_at=batched_at,
        before_commit=before_commit,
    )


def put_off(claim: claiming.Claim, error: LoadError, *, started_at: datetime) -> None:
    """Keep everything, say why, and try again later."""
    now = timezone.now()
    logger.warning(
        "load.failed",
        extra=facts(claim)
        | {"reason": error.message, "transient": error.transient, "cause": str(error.__cause__ or "")},
    )
    integration = claim.target.integration if claim.target is not None else None
    destination = claim.target.destination if claim.target is not None else None
    others = pks(integrations_into(destination=destination)) if destination is not None else []
    claiming.postpone(claim, error, now=now, others=others)
    loud = not error.transient or claim.table.attempts >= QUIET_TRANSIENT_TRIES
    if integration is not None and loud and claim.shares:
        recording.record_failure(
            integration=integration,
            destination=destination,
            table=claim.table,
            shares=claim.shares,
            error=error,
            started_at=started_at,
            finished_at=now,
        )


def pks(integrations: QuerySet[Integration]) -> list[int]:
    """Return the integrations' numbers, for the queue's database, which cannot join."""
    return list(integrations.values_list("pk", flat=True))


def facts(claim: claiming.Claim) -> dict[str, object]:
    """Return what a log line says about a claim."""
    return {
        "account": claim.table.account_id,
        "integration": claim.table.integration_id,
        "table": claim.table.table_name,
        "attempts": claim.table.attempts,
    }
