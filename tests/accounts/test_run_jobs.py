"""The worker as a process of its own: killed, told to end, beside another one (J2, O2)."""

import json
import signal
import sys
import time

import pytest

from tests.queue.processes import prepared_product, product_like

pytestmark = pytest.mark.live
LIMIT_SECONDS = 40
WORKER = """
import django, os, pathlib, sys, time
django.setup()
from django.core.management import call_command
from accounts.services import task_leases, tasks, workers
folder = pathlib.Path(os.environ["DATA_DIR"]) / "notes"
folder.mkdir(exist_ok=True)

@tasks.handles("note")
def note(task):
    seconds = task.facts["seconds"]
    begun = folder / f"{task.facts['number']}.{os.getpid()}.begun"
    begun.touch(exist_ok=False)
    while seconds > 0 and not (folder / "go").exists():
        time.sleep(0.05); seconds -= 0.05
    begun.rename(begun.with_suffix(".done"))

call_command("run_jobs")
"""
COMMAND = [sys.executable, "-c", WORKER]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    with prepared_product(tmp_path_factory.mktemp("prepared") / "data") as prepared:
        yield prepared


@pytest.fixture
def product(prepared, tmp_path):
    with product_like(prepared, tmp_path / "data") as product:
        yield product


def add(product, *, count=1, seconds=0.0):
    product.ask(
        "from accounts.services.tasks import add_task\n"
        f"for number in range({count}): add_task('note', number=number, seconds={seconds})"
    )


def left(product) -> list[dict]:
    """Return the tasks that are not done."""
    return json.loads(
        product.ask(
            "import json; from accounts.models import Task\n"
            "print(json.dumps(list(Task.objects.filter(kind='note')"
            ".values('attempts', 'interruptions', 'error', 'leased_by'))))",
        )
    )


def notes(product, suffix):
    return sorted((product.data_dir / "notes").glob(f"*.{suffix}"))


def wait_for(product, suffix, count):
    give_up = time.monotonic() + LIMIT_SECONDS
    while len(found := notes(product, suffix)) < count:
        assert time.monotonic() < give_up, f"{len(found)} of {count} {suffix}"
        time.sleep(0.05)
    return found


def test_J2_two_workers_do_each_task_once(product):
    add(product, count=60)
    for name in ("one", "two"):
        product.start(name, COMMAND)
    done = wait_for(product, "done", 60)
    for name in ("one", "two"):
        product.processes[name].send_signal(signal.SIGTERM)
        assert product.processes[name].wait(LIMIT_SECONDS) == 0
    assert sorted(int(path.name.split(".")[0]) for path in done) == list(range(60))
    assert left(product) == []


def test_J2_what_a_killed_worker_had_in_hand_is_taken_up_at_once(product):
    add(product, seconds=600)
    product.start("one", COMMAND)
    wait_for(product, "begun", 1)
    product.kill("one")
    (product.data_dir / "notes" / "go").touch()
    product.start("two", COMMAND)
    wait_for(product, "done", 1)
    product.processes["two"].send_signal(signal.SIGTERM)
    product.processes["two"].wait(LIMIT_SECONDS)
    assert left(product) == []


def test_O2_a_worker_ends_after_what_it_has_in_hand(product):
    add(product, seconds=1.5)
    product.start("one", COMMAND)
    wait_for(product, "begun", 1)
    product.processes["one"].send_signal(signal.SIGTERM)
    assert product.processes["one"].wait(LIMIT_SECONDS) == 0
    assert len(notes(product, "done")) == 1
    assert left(product) == []


def test_O2_a_worker_ends_although_its_work_hangs_and_the_next_takes_it_up(product):
    add(product, seconds=600)
    product.start("one", COMMAND)
    wait_for(product, "begun", 1)
    product.processes["one"].send_signal(signal.SIGTERM)
    assert product.processes["one"].wait(LIMIT_SECONDS) == 0
    (product.data_dir / "notes" / "go").touch()
    product.start("two", COMMAND)
    wait_for(product, "done", 1)


def test_run_jobs_once_does_what_is_due_and_ends(product):
    product.manage("run_jobs", "--once", timeout=LIMIT_SECONDS)
    timed = product.ask(
        "from accounts.models import Task; print(Task.objects.get(kind='tasks.forget').attempts)"
    )
    assert timed.strip() == "0"
