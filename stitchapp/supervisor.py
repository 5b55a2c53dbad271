"""Run several programs as one: all start together, and when one ends, all end.

`manage.py run` becomes this program once the databases are ready. It imports nothing but the standard
library, so it costs next to no memory while it waits.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time

END_WITHIN_SECONDS = 25  # promise O2 allows 30
LOOK_SECONDS = 0.1
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class Supervisor:
    """Starts the programs, waits, and ends them in order."""

    def __init__(self, programs: dict[str, list[str]], *, address: tuple[str, int], greeting: str) -> None:
        self.programs = programs
        self.address = address
        self.greeting = greeting
        self.ending = False
        self.running: dict[str, subprocess.Popen] = {}

    def run(self) -> int:
        """Start everything and return the exit code: 0 after a signal, 1 when a program ended by itself."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.end)
        for name, command in self.programs.items():
            # A session of its own: Ctrl-C reaches only the supervisor, which then ends all in order.
            self.running[name] = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.greet_when_it_listens()
        while not self.ending and (stopped := self.first_that_stopped()) is None:
            time.sleep(LOOK_SECONDS)
        if not self.ending:
            say(f"The {stopped} ended with code {self.running[stopped].returncode}; ending the rest.")
        self.end_all()
        return 0 if self.ending else 1

    def end(self, *_) -> None:
        """Note the wish to end; a second one does not hurry the first."""
        self.ending = True

    def first_that_stopped(self) -> str | None:
        """Return the name of a program that is not running any more."""
        return next((name for name, process in self.running.items() if process.poll() is not None), None)

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
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        give_up = time.monotonic() + END_WITHIN_SECONDS
        for name, process in self.running.items():
            try:
                process.wait(max(0.0, give_up - time.monotonic()))
            except subprocess.TimeoutExpired:
                say(
                    f"The {name} did not end in {END_WITHIN_SECONDS} s and is killed; nothing accepted is lost."
                )
                process.kill()
                process.wait()


def die_with_parent() -> None:
    """On Linux, ask for SIGTERM should the supervisor be killed: no program is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)


def say(words: str) -> None:
    """Print at once."""
    print(words, flush=True)  # noqa: T201 - this is what the person at the terminal reads


if __name__ == "__main__":
    plan = json.loads(os.environ["SUPERVISOR_PLAN"])
    supervisor = Supervisor(plan["programs"], address=tuple(plan["address"]), greeting=plan["greeting"])
    sys.exit(supervisor.run())
