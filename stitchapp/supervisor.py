"""Watch over several programs as one: when one ends, all end.

`manage.py run` becomes this program once the databases are ready and the programs are started. It imports nothing
but the standard library, so it costs next to no memory while it waits.
"""

import json
import os
import signal
import socket
import sys
import time

END_WITHIN_SECONDS = 25  # promise O2 allows 30
LOOK_SECONDS, LOOK_AT_THE_END_SECONDS = 0.1, 0.01
ENDING_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


class Program:
    """A program that this process has started."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None

    def has_ended(self) -> bool:
        """Tell whether it runs no more; `code` then says how it ended, as a number below 0 when by a signal."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is not None

    def ends_by(self, give_up: float) -> bool:
        """Wait for its end until that moment; return whether it came."""
        while not self.has_ended() and time.monotonic() < give_up:
            time.sleep(LOOK_AT_THE_END_SECONDS)
        return self.has_ended()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if not self.has_ended():
            os.kill(self.pid, number)


class Supervisor:
    """Waits for the end of the programs, and ends them in order."""

    def __init__(self, programs: dict[str, int], *, address: tuple[str, int], greeting: str) -> None:
        self.programs = {name: Program(pid) for name, pid in programs.items()}
        self.address = address
        self.greeting = greeting
        self.ending = False

    def run(self) -> int:
        """Watch and return the exit code: 0 after a signal, 1 when a program ended by itself."""
        for number in ENDING_SIGNALS:
            signal.signal(number, self.end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
        self.greet_when_it_listens()
        while not self.ending and (stopped := self.first_that_stopped()) is None:
            time.sleep(LOOK_SECONDS)
        if not self.ending:
            say(f"The {stopped} ended with code {self.programs[stopped].code}; ending the rest.")
        self.end_all()
        return 0 if self.ending else 1

    def end(self, *_) -> None:
        """Note the wish to end; a second one does not hurry the first."""
        self.ending = True

    def first_that_stopped(self) -> str | None:
        """Return the name of a program that is not running any more."""
        return next((name for name, program in self.programs.items() if program.has_ended()), None)

    def greet_when_it_listens(self) -> None:
        """Print the greeting once the address answers."""
        while not self.ending and self.first_that_stopped() is None:
            try:
                socket.create_connection(self.address, timeout=1).close()
            except OSError:
                time.sleep(LOOK_SECONDS)
            else:
                say(self.greeting)
                return

    def end_all(self) -> None:
        """Ask every program to end; kill what has not ended in time."""
        for program in self.programs.values():
            program.send(signal.SIGTERM)
        give_up = time.monotonic() + END_WITHIN_SECONDS
        for name, program in self.programs.items():
            if not program.ends_by(give_up):
                say(
                    f"The {name} did not end in {END_WITHIN_SECONDS} s and is killed; nothing accepted is lost."
                )
                program.send(signal.SIGKILL)
                os.waitpid(program.pid, 0)


def become_supervisor(plan: dict) -> None:
    """Replace the calling program, in its process, by the supervisor of its children that the plan names."""
    environment = os.environ | {"SUPERVISOR_PLAN": json.dumps(plan)}
    os.execve(sys.executable, [sys.executable, "-m", "stitchapp.supervisor"], environment)  # noqa: S606


def say(words: str) -> None:
    """Print at once."""
    print(words, flush=True)  # noqa: T201 - this is what the person at the terminal reads


if __name__ == "__main__":
    plan = json.loads(os.environ["SUPERVISOR_PLAN"])
    sys.exit(Supervisor(plan["programs"], address=tuple(plan["address"]), greeting=plan["greeting"]).run())
