"""Load the application once, split it into several programs, and become the supervisor that watches over them.

What the programs have in common is in memory once (promise O1), and none of them has to load it for itself.
"""

import ctypes
import gc
import importlib
import json
import os
import signal
import sys

from stitchapp.supervisor import ENDING_SIGNALS, become_supervisor

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


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


def split_off(words: list[str]) -> int:
    """Run a command line in a process of its own, which has what this one has in memory; return its number."""
    parent = os.getpid()
    if pid := os.fork():
        return pid
    os.setsid()  # Ctrl-C reaches only the supervisor, which then ends all in order
    if sys.platform == "linux":  # SIGTERM should the supervisor be killed: no program is left behind
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
    if os.getppid() != parent:  # it was gone before its death could be noticed
        sys.exit(1)
    gc.enable()
    carry_out(words)
    sys.exit(0)


def carry_out(words: list[str]) -> None:
    """Do what a command line would: `gunicorn …` or `manage.py …`."""
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


def main(plan: dict) -> None:
    """Start the plan's programs."""
    # What asks for the end meanwhile waits for the supervisor, which is this process with another program.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    programs = plan["programs"]
    load_application([words[1] for words in programs.values() if words[0] == "manage.py"])
    become_supervisor(plan | {"programs": {name: split_off(words) for name, words in programs.items()}})


if __name__ == "__main__":
    main(json.loads(os.environ["SUPERVISOR_PLAN"]))
