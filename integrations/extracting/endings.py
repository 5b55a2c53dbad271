"""How the phases of a job ended, and what is written of it (connect-api.md 3.7, 3.13, 5.2, 5.3)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

TERMINATED, TERMINATED_STATUS = "Terminated", -15
LONGEST_DESCRIPTION = 10_000
WORKER_DIED = (
    "The worker that ran this job ended before it was done. What it had handed over is loaded; the next run goes on "
    "from the last bookmark."
)
WORKER_ENDED = "Terminated: the worker was told to end. The next run goes on from the last bookmark."


@dataclass(slots=True)
class Phases:
    """The statuses and descriptions of a job so far: 0 is good, None did not finish."""

    check_exit_status: int | None = None
    discovery_exit_status: int | None = None
    discovery_description: str | None = None
    tap_exit_status: int | None = None
    tap_description: str | None = None
    target_exit_status: int | None = None
    target_description: str | None = None

    def columns(self) -> dict[str, int | str | None]:
        """Return them as the job's columns."""
        return {
            name: value[:LONGEST_DESCRIPTION] if isinstance(value, str) else value
            for name, value in asdict(self).items()
        }

    def time_is_up(self) -> None:
        """Have no status at all: the documented form of a job that reached its time limit."""
        self.check_exit_status = self.discovery_exit_status = None
        self.tap_exit_status = self.target_exit_status = None
        self.discovery_description = self.tap_description = self.target_description = TERMINATED

    def interrupt(self, description: str, *, status: int) -> None:
        """End the phase that was under way; what was handed over before counts."""
        if self.discovery_exit_status is None:
            self.discovery_exit_status, self.discovery_description = status, description
        elif self.tap_exit_status is None:
            self.tap_exit_status, self.tap_description = status, description
            if self.target_exit_status is None:
                self.target_exit_status = 0

    def sentence(self) -> str:
        """Return the log's last line."""
        told = [
            phase_sentence("Discovery", self.discovery_exit_status, self.discovery_description),
            phase_sentence("Tap", self.tap_exit_status, self.tap_description),
            phase_sentence("Target", self.target_exit_status, self.target_description),
        ]
        return " ".join(["Exit status is:", *filter(None, told)])


def phase_sentence(name: str, status: int | None, description: str | None) -> str:
    """Return what the last line says of a phase; nothing of one that was not reached."""
    if status is None:
        return f"{name} terminated." if description else ""
    if status == 0:
        return f"{name} succeeded."
    if description:
        return f'{name} failed with code {status} and error message: "{description}".'
    return f"{name} failed with code {status}."
