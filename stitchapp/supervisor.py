"""Run several programs as one: all start together, and when one ends, all end.

`manage.py run` becomes this program once the databases are ready. It loads the application once and then splits:
what the programs have in common is in memory once (promise O1), and none of them has to load it for itself.
"""

import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

END_WITHIN_SECONDS = 25  # promise O2 allows 30
LOOK_SECONDS = 0.1
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
ENDING_SIGNALS = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}  # and what each does in a program that was not split off from another


class Program:
    """A program in a process of its own, split off from this one."""

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
            time.sleep(LOOK_SECONDS / 10)
        return self.has_ended()

    def signal(self, number: signal.Signals) -> None:
        if not self.has_ended():
            os.kill(self.pid, number)


class Supervisor:
    """Starts the programs, waits, and ends them in order."""

    def __init__(
        self, programs: dict[str, Callable[[], object]], *, address: tuple[str, int], greeting: str
    ) -> None:
        self.programs = programs
        self.address = address
        self.greeting = greeting
        self.ending = False
        self.running: dict[str, Program] = {}

    def run(self) -> int:
        """Start everything and return the exit code: 0 after a signal, 1 when a program ended by itself.

        In the programs' own processes it does not return: they leave it by SystemExit.
        """
        for number in ENDING_SIGNALS:
            signal.signal(number, self.end)
        for name, run in self.programs.items():
            self.running[name] = split_off(run)
        self.greet_when_it_listens()
        while not self.ending and (stopped := self.first_that_stopped()) is None:
            time.sleep(LOOK_SECONDS)
        if not self.ending:
            say(f"The {stopped} ended with code {self.running[stopped].code}; ending the rest.")
        self.end_all()
        return 0 if self.ending else 1

    def end(self, *_) -> None:
        """Note the wish to end; a second one does not hurry the first."""
        self.ending = True

    def first_that_stopped(self) -> str | None:
        """Return the name of a program that is not running any more."""
        return next((name for name, program in self.running.items() if program.has_ended()), None)

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
        for program in self.running.values():
            program.signal(signal.SIGTERM)
        give_up = time.monotonic() + END_WITHIN_SECONDS
        for name, program in self.running.items():
            if not program.ends_by(give_up):
                say(
                    f"The {name} did not end in {END_WITHIN_SECONDS} s and is killed; nothing accepted is lost."
                )
                program.signal(signal.SIGKILL)
                os.waitpid(program.pid, 0)


def split_off(run: Callable[[], object]) -> Program:
    """Run something in a new process, which has what this one has in memory but none of its habits."""
    parent = os.getpid()
    # What is sent to the new process before it has put off this one's habits waits until then.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    if pid := os.fork():
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return Program(pid)
    for number, usual in ENDING_SIGNALS.items():
        signal.signal(number, usual)
    os.setsid()  # Ctrl-C reaches only the supervisor, which then ends all in order
    die_with_parent()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    if os.getppid() != parent:  # it was gone before its death could be noticed
        sys.exit(1)
    gc.enable()
    run()
    sys.exit(0)


def die_with_parent() -> None:
    """On Linux, ask for SIGTERM should the supervisor be killed: no program is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)


def load_application(commands: list[str]) -> None:
    """Load what the programs have in common, and have what each would otherwise do on first use done once.

    Nothing here may begin a thread or open a database: neither bears splitting.
    """
    gc.disable()  # no holes among the objects, which each program would fill in copies of its own
    for module in ("stitchapp.wsgi", "stitchapp.web_worker", "gunicorn.app.wsgiapp"):
        importlib.import_module(module)
    from django.apps import apps
    from django.core.management import get_commands, load_command_class
    from django.urls import reverse

    for command in commands:
        load_command_class(get_commands()[command], command)
    reverse("healthz")  # compiles every pattern
    for model in apps.get_models(include_auto_created=True):
        str(model._base_manager.filter(pk=0).query)  # looks up what relates to what
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, every page


def become(words: list[str]) -> None:
    """Run what a command line would: `gunicorn …` or `manage.py …`."""
    sys.argv = words
    if sys.platform != "darwin":  # where it does not bear splitting
        from setproctitle import setproctitle

        setproctitle(" ".join(words))
    if words[0] == "gunicorn":
        from gunicorn.app.wsgiapp import run

        run()
    else:
        from django.core.management import execute_from_command_line

        execute_from_command_line(words)


def say(words: str) -> None:
    """Print at once."""
    print(words, flush=True)  # noqa: T201 - this is what the person at the terminal reads


def main(plan: dict) -> int:
    load_application([words[1] for words in plan["programs"].values() if words[0] == "manage.py"])
    programs = {name: lambda words=words: become(words) for name, words in plan["programs"].items()}
    return Supervisor(programs, address=tuple(plan["address"]), greeting=plan["greeting"]).run()


if __name__ == "__main__":
    sys.exit(main(json.loads(os.environ["SUPERVISOR_PLAN"])))
