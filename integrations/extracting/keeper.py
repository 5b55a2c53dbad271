"""The keeper of one tap: a small program between the worker and the tap. It uses nothing but the standard library.

It starts the tap in a session of its own with its limits set, watches what the tap and all of its descendants take
in memory, processes and disk, and ends every one of them when the tap ends, breaks a limit, or when the worker says
so or is gone: the worker holds the other end of this program's standard input. A child that forks twice and begins
a session of its own becomes the keeper's child (it is their subreaper), so none escapes.

It is given a plan as JSON in its one argument, without any secret, and reports the end as one line of JSON.
"""

import ctypes
import json
import os
import resource
import select
import shutil
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DIE_WITH_PARENT, CHILD_SUBREAPER = 1, 36  # of prctl
LOOK_SECONDS = 0.2
DISK_LOOK_SECONDS = 1.0
TERMINATE, DONE = b"T", b"D"
NOT_STARTED = 127
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    plan = json.loads(sys.argv[1])
    libc = ctypes.CDLL(None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the worker ends it, or the worker's end
    libc.prctl(CHILD_SUBREAPER, 1, 0, 0, 0)
    keeper = os.getpid()
    tap = os.fork()
    if tap == 0:
        become_the_tap(plan, libc, keeper)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)  # the tap's end of its output is the tap's alone: it ends with the tap
    os.dup2(nothing, 2)
    reason, status = watch(tap, plan)
    end_all()
    if status is None:
        status = ended_with(tap)
    try:
        os.write(plan["report"], json.dumps({"status": status, "reason": reason}).encode() + b"\n")
    except OSError:  # nobody is left who wants to know
        pass
    os.close(plan["report"])
    # Wait for the worker to read what is left; the folder is its own, unless it is gone.
    word = b""
    while said := os.read(0, 1):
        word = said
    if word != DONE and reason != "done":
        shutil.rmtree(plan["folder"], ignore_errors=True)


def become_the_tap(plan: "dict[str, Any]", libc: ctypes.CDLL, keeper: int) -> None:
    """Run the tap in this process: its own session, its limits, no way to outlive the keeper."""
    try:
        libc.prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != keeper:  # it died before it could be asked to take the tap with it
            return
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.closerange(3, max(plan["report"], plan["lock"]) + 1)
        os.umask(0o077)
        os.chdir(plan["folder"])
        os.nice(plan["nice"])
        limit(resource.RLIMIT_CORE, 0)
        limit(resource.RLIMIT_FSIZE, plan["disk_bytes"])
        limit(resource.RLIMIT_AS, plan["address_bytes"])
        limit(resource.RLIMIT_NOFILE, 1024)
        os.execve(plan["command"][0], plan["command"], os.environ)
    except OSError as error:
        os.write(2, f"CRITICAL {plan['command'][0]} cannot be run: {error.strerror}\n".encode())
    finally:
        os._exit(NOT_STARTED)


def limit(kind: int, most: int) -> None:
    """Set a limit that the tap cannot raise; a lower one of the worker stays."""
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def watch(tap: int, plan: "dict[str, Any]") -> tuple[str, "int | None"]:
    """Return why it is over and the tap's exit status, if it ended by itself: negative for a signal."""
    kill_at = None
    looked_at_disk = time.monotonic()
    listening = [0]
    if hasattr(os, "pidfd_open"):
        listening.append(os.pidfd_open(tap))  # it wakes this program when the tap ends
    while True:
        ready, _, _ = select.select(listening, [], [], LOOK_SECONDS)
        if 0 in ready:
            word = os.read(0, 1)
            if not word or word == DONE:
                return "done" if word else "abandoned", None
            if word == TERMINATE and kill_at is None:
                kill_at = time.monotonic() + plan["grace_seconds"]
                for pid in descendants(os.getpid()):
                    tell(pid, signal.SIGTERM)
        status = ended_with(tap, wait=False)
        if status is not None:
            return "ended" if kill_at is None else "terminated", status
        reap_others(tap)
        now = time.monotonic()
        if kill_at is not None and now >= kill_at:
            return "terminated", None
        taken, processes = use_of(descendants(os.getpid()))
        if taken > plan["memory_bytes"]:
            return "memory", None
        if processes > plan["processes"]:
            return "processes", None
        if now - looked_at_disk >= DISK_LOOK_SECONDS:
            looked_at_disk = now
            if disk_use(plan["folder"]) > plan["disk_bytes"]:
                return "disk", None


STATUSES: "dict[int, int]" = {}


def ended_with(pid: int, *, wait: bool = True) -> "int | None":
    """Return the exit status of a child; None while it runs."""
    if pid not in STATUSES:
        try:
            found, raw = os.waitpid(pid, 0 if wait else os.WNOHANG)
        except ChildProcessError:
            STATUSES[pid] = -signal.SIGKILL
        else:
            if found == 0:
                return None
            STATUSES[pid] = os.waitstatus_to_exitcode(raw)
    return STATUSES[pid]


def reap_others(tap: int) -> None:
    """Let children that were left to this program go once they have ended."""
    for pid in children_of(os.getpid()):
        if pid != tap:
            ended_with(pid, wait=False)
            STATUSES.pop(pid, None)


def end_all() -> None:
    """Kill every descendant, however often they fork meanwhile: first all are stopped, then killed."""
    while True:
        found = descendants(os.getpid())
        if not found:
            return
        for pid in found:
            tell(pid, signal.SIGSTOP)
        for pid in descendants(os.getpid()):
            tell(pid, signal.SIGKILL)
        for pid in children_of(os.getpid()):
            ended_with(pid, wait=False)
        time.sleep(0.005)


def tell(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def children_of(pid: int) -> "list[int]":
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def threads_of(pid: int) -> "list[str]":
    try:
        return os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid: int) -> "list[int]":
    """Return everything below a process, children of its threads too."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for thread in threads_of(parent):
            try:
                with open(f"/proc/{parent}/task/{thread}/children") as file:
                    below = [int(word) for word in file.read().split()]
            except (FileNotFoundError, ProcessLookupError):
                continue
            found += below
            waiting += below
    return found


def use_of(pids: "list[int]") -> "tuple[int, int]":
    """Return how much memory they hold, or the largest held at any time by one of them, and how many they are."""
    pages = peak = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm") as file:
                words = file.read().split()
            pages += int(words[1]) - int(words[2])  # what they share with each other is counted by nobody
            peak = max(peak, peak_of(pid))
        except (FileNotFoundError, ProcessLookupError, IndexError):
            continue
    return max(pages * PAGE_BYTES, peak), len(pids)


def peak_of(pid: int) -> int:
    """Return the most memory that a process had resident so far."""
    with open(f"/proc/{pid}/status") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def disk_use(folder: str) -> int:
    """Return how much disk the working folder takes."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
            except OSError:
                continue
    return total


if __name__ == "__main__":
    main()
