"""Run one job from its first phase to its last: discovery, tap and target (connect-api.md 3.13)."""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.errors import DomainError
from accounts.models import Task
from accounts.services import worker_end
from accounts.services.task_leases import LeaseLost, holding
from integrations.extracting.causes import plain_cause
from integrations.extracting.endings import TERMINATED, TERMINATED_STATUS, WORKER_ENDED, Phases
from integrations.extracting.folders import WorkingFolder
from integrations.extracting.handing_over import Interrupted, Target
from integrations.extracting.job_log import JobLog
from integrations.extracting.masking import Masking
from integrations.extracting.messages import BadOutput
from integrations.extracting.tap_process import Ending, TapProcess
from integrations.models import Integration, Job, JobMode, JobTrigger
from integrations.services.extraction_notices import tell_of_job
from integrations.services.job_logs import log_path
from integrations.services.selection import catalog_for_run, store_catalog
from integrations.services.set_up import refresh_step
from integrations.services.source_addresses import require_permitted
from integrations.services.source_properties import credentials_of, tap_config, tap_home, type_of
from integrations.sources.taps import tap_command, tap_environment

logger = logging.getLogger("integrations.extracting")
LOOK_SECONDS = 1.0
READ_SECONDS = 0.5
CATALOG_BYTES = 64 * 1024**2
SOON = timedelta(seconds=10)


class Stop(Exception):
    """The job ends before its tap does."""


class StopAsked(Stop):
    """Somebody stopped it, or it is over already."""


class TimeIsUp(Stop):
    """It ran for as long as an extraction may."""


class WorkerEnds(Stop):
    """The worker was told to end."""


class TapHangs(Stop):
    """The tap has written nothing for too long."""


class PhaseFailed(Exception):
    """A phase failed, and what is told of it."""


class Run:
    """One job in the hands of this worker."""

    def __init__(self, *, job: Job, task: Task) -> None:
        self.job = job
        self.task = task
        self.integration: Integration = job.integration
        self.began = time.monotonic()
        self.looked_at = 0.0
        self.is_stopped = False
        self.phases = Phases()
        self.target: Target | None = None

    def carry_out(self) -> None:
        """Run the job and complete it, whatever happens. Raises LeaseLost when it is another worker's now."""
        folder = WorkingFolder()
        try:
            self.log = JobLog(
                log_path(self.job), masking=Masking(self._secrets()), most_bytes=settings.JOB_LOG_BYTES
            )
            try:
                self._phases(folder)
            finally:
                folder.close()
                size = self.log.close()
        finally:
            folder.close()
        self._complete(size)

    def _secrets(self) -> list[str]:
        try:
            return list(credentials_of(self.integration).values())
        except DomainError:
            return []  # they cannot be read: the tap does not get them either

    def _phases(self, folder: WorkingFolder) -> None:
        phases = self.phases
        self.log.main(f"Job {self.job.name} of {self.integration.type} begins")
        try:
            self._discover(folder)
            if self.job.mode == JobMode.CHECK:
                phases.check_exit_status = 0
            else:
                self._extract(folder)
        except TimeIsUp:
            self.log.main(f"The time limit of {settings.EXTRACTION_MINUTES} minutes is reached", "ERROR")
            phases.time_is_up()
        except StopAsked:
            self.log.main("The job was stopped", "WARNING")
            phases.interrupt(TERMINATED, status=TERMINATED_STATUS)
        except WorkerEnds:
            self.log.main("The worker was told to end", "WARNING")
            phases.interrupt(WORKER_ENDED, status=TERMINATED_STATUS)
        except TapHangs:
            phases.interrupt(
                f"The tap has written nothing for {settings.TAP_SILENCE_MINUTES} minutes and was ended.",
                status=1,
            )
        except (LeaseLost, PhaseFailed) as error:
            if isinstance(error, LeaseLost):
                self.log.main("Another worker has this job now", "ERROR")
                raise
        except DomainError as error:
            phases.interrupt(self.log.masking.clean(error.message), status=1)
        except Exception as error:
            logger.exception("extraction.failed_unexpectedly", extra={"job": self.job.pk})
            phases.interrupt(f"Internal error: {type(error).__name__}.", status=1)
        self._tell_the_end()

    def _discover(self, folder: WorkingFolder) -> None:
        """Connect, and find what is there; the differences from what was known are noted."""
        self.log.main("Discovery begins")
        source_type = type_of(self.integration)
        if source_type.unavailable_reason:
            raise self._discovery_failed(source_type.unavailable_reason)
        folder.write("config.json", tap_config(self.integration))
        for name, text in tap_home(self.integration).items():
            folder.write_text(name, text)
        if not source_type.has_discovery:
            self.phases.discovery_exit_status = 0
            return
        written = bytearray()
        with self._start(folder, "--discover") as tap:
            give_up = time.monotonic() + settings.DISCOVERY_MINUTES * 60
            while (piece := tap.read(READ_SECONDS)) != b"":
                self._look()
                if time.monotonic() > give_up:
                    raise self._discovery_failed(
                        f"The tap did not end its discovery within {settings.DISCOVERY_MINUTES} minutes."
                    )
                written += piece or b""
                if len(written) > CATALOG_BYTES:
                    raise self._discovery_failed(
                        f"The tap’s catalog is larger than {CATALOG_BYTES // 1024**2} MB."
                    )
            ending = tap.ending()
        if ending.status != 0 or ending.reason != "ended":
            self.log.main(f"Tap exited abnormally with status {ending.status}")
            raise self._discovery_failed(self._words_of(ending))
        try:
            catalog = json.loads(bytes(written))
        except (ValueError, RecursionError):
            raise self._discovery_failed("The tap wrote no catalog: its output is not JSON.") from None
        with holding(self.task):
            try:
                found = store_catalog(integration=self.integration, catalog=catalog, now=timezone.now())
            except DomainError as error:
                raise self._discovery_failed(error.message) from None
            except ValueError as error:
                raise self._discovery_failed(str(error)) from None
            Job.objects.filter(pk=self.job.pk, completed_at=None).update(discovery_exit_status=0)
        self.phases.discovery_exit_status = 0
        self.log.main(f"Discovery found {found} streams")

    def _discovery_failed(self, message: str) -> PhaseFailed:
        self.phases.discovery_exit_status = 1
        self.phases.discovery_description = self.log.tidy(message)
        return PhaseFailed(message)

    def _extract(self, folder: WorkingFolder) -> None:
        """Run the tap, and hand over what it writes."""
        source_type = type_of(self.integration)
        self.target = target = Target(job=self.job, task=self.task, interrupted=self._interrupted)
        words = []
        if source_type.has_discovery:
            catalog = folder.write("catalog.json", catalog_for_run(self.integration))
            words += [source_type.selection_argument, str(catalog)]
        if target.stored_state:
            words += ["--state", str(folder.write("state.json", target.stored_state))]
        self.log.main("Tap begins")
        failed_target, stop, ending = "", None, Ending(0, "ended")
        with self._start(folder, *words) as tap:
            try:
                self._read(tap, target)
            except BadOutput as error:
                failed_target = self.log.tidy(str(error))
            except Stop as error:
                stop = error
                failed_target = self._read_the_rest(tap, target)
            if failed_target or stop is not None:
                tap.terminate()
            ending = tap.ending()
        if not failed_target:
            clean = stop is None and ending.status == 0 and ending.reason == "ended"
            failed_target = self._finish(target, may_be_cut=not clean)
        self._settle(ending, failed_target, stop)

    def _settle(self, ending: Ending, failed_target: str, stop: Stop | None) -> None:
        phases = self.phases
        if failed_target:
            self.log.target(failed_target, "CRITICAL")
            phases.target_exit_status, phases.target_description = 1, failed_target
            clean = ending.status == 0 and ending.reason == "ended"
            phases.tap_exit_status = 0 if clean else TERMINATED_STATUS
            return
        phases.target_exit_status = 0
        if stop is not None:
            raise stop
        if ending.status == 0 and ending.reason == "ended":
            phases.tap_exit_status = 0
            return
        self.log.main(f"Tap exited abnormally with status {ending.status}")
        phases.tap_exit_status, phases.tap_description = 1, self._words_of(ending)

    def _read(self, tap: TapProcess, target: Target) -> None:
        heard_at = time.monotonic()
        while True:
            piece = tap.read(READ_SECONDS)
            if piece == b"":
                return
            if piece is None:
                target.cut_if_due()
                if time.monotonic() - heard_at > settings.TAP_SILENCE_MINUTES * 60:
                    raise TapHangs
            else:
                target.take(piece)
                heard_at = time.monotonic()
            self._look()

    def _read_the_rest(self, tap: TapProcess, target: Target) -> str:
        """Take what the tap wrote before it heard that it is to end; return what is wrong with it."""
        tap.terminate()
        try:
            while (piece := tap.read(READ_SECONDS)) != b"":
                if piece and not target.is_broken:
                    target.take(piece)
        except BadOutput as error:
            return self.log.tidy(str(error))
        except Interrupted:
            return ""
        return ""

    def _finish(self, target: Target, *, may_be_cut: bool) -> str:
        """Hand over the last rows and the last bookmark; return what is wrong with them."""
        try:
            target.end(may_be_cut=may_be_cut)
        except BadOutput as error:
            return self.log.tidy(str(error))
        except Interrupted:
            return ""
        return ""

    def _start(self, folder: WorkingFolder, *words: str) -> TapProcess:
        source_type = type_of(self.integration)
        require_permitted(source_type, self.integration.properties)  # names may lead elsewhere by now
        command = [*tap_command(source_type), "--config", str(folder.path / "config.json"), *words]
        return TapProcess(command, environment=tap_environment(source_type), folder=folder, log=self.log)

    def _words_of(self, ending: Ending) -> str:
        """Say why a tap failed: in its own words, if it had any."""
        log = self.log
        if ending.reason in ("memory", "disk", "processes"):
            return ending.words
        if log.critical:
            return "\n".join(dict.fromkeys(log.critical[-3:]))
        told = [text for level, text in log.said if level == "ERROR"]
        if told:
            return told[-1]
        loose = [text for level, text in log.said if not level and text.strip()]
        return plain_cause(loose) or (loose[-1] if loose else ending.words)

    def _look(self) -> None:
        """Raise the Stop that is due; look at most once a second."""
        now = time.monotonic()
        if now - self.looked_at < LOOK_SECONDS:
            return
        self.looked_at = now
        try:
            self._raise_what_is_due(now)
        except Stop:
            self.is_stopped = True
            raise

    def _raise_what_is_due(self, now: float) -> None:
        if worker_end.is_asked():
            raise WorkerEnds
        if now - self.began > settings.EXTRACTION_MINUTES * 60:
            raise TimeIsUp
        why_over = ("stop_asked_at", "completed_at", "account__closed_at")
        seen = Job.objects.filter(pk=self.job.pk).values_list(*why_over).first()
        if seen is None or any(seen):
            raise StopAsked
        if not Task.objects.filter(pk=self.task.pk, lease=self.task.lease).exists():
            raise LeaseLost

    def _interrupted(self) -> bool:
        """Tell, while the queue has no room, whether the job is to end; raise the Stop when it is due."""
        self._look()
        return self.is_stopped

    def _tell_the_end(self) -> None:
        """Write the log's last lines; after the very last one nothing comes any more."""
        log = self.log
        log.tell_cut()
        if self.target is not None:
            self._tell_rows(self.target)
        log.main(self.phases.sentence())

    def _tell_rows(self, target: Target) -> None:
        for stream, records in target.set_aside.items():
            self.log.target(
                f'Of the stream "{stream}" {records} of {target.rows[stream]} records did not fit the tap’s own '
                f"schema; they are set aside among the rejected records. The first: {target.first_fault[stream]}",
                "WARNING",
            )
        for stream, records in target.rows.items():
            self.log.tap(f'replicated {records} records from "{stream}" endpoint')
            self.log.target(
                f"com.stitchdata.target-stitch-avro.flush-pipeline - send-stream-record-count-impl {stream}"
            )

    def _complete(self, log_bytes: int) -> None:
        """Write how it ended, once the log is whole; not if somebody else ended it before."""
        now = timezone.now()
        with holding(self.task):
            handed_over = self.target.columns() if self.target is not None else {}
            ended = Job.objects.filter(pk=self.job.pk, completed_at=None).update(
                **self.phases.columns(), **handed_over, completed_at=now, log_bytes=log_bytes
            )
            if ended:
                after_end(self.job, phases=self.phases, now=now, ended_with_worker=worker_end.is_asked())


def after_end(job: Job, *, phases: Phases, now: datetime, ended_with_worker: bool) -> None:
    """Do what follows from a job's end, in the transaction that completes it."""
    if job.mode == JobMode.CHECK:
        refresh_step(integration=job.integration)
    if not ended_with_worker:  # which was no fault of the source
        tell_of_job(job, now=now)
    elif job.trigger == JobTrigger.SCHEDULE:
        run_again_soon(job, now=now)


def run_again_soon(job: Job, *, now: datetime) -> None:
    """Have a scheduled source's next run start within seconds: it was no fault of the source."""
    Integration.objects.filter(pk=job.integration_id, next_run_at__gt=now + SOON).update(
        next_run_at=now + SOON
    )
