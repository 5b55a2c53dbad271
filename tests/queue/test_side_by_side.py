"""Several loads at once: a table never by two, a file that admits one writer never by two (D23, I9, I11)."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import BatchTable, Destination, Integration, QueuedTable
from integrations.queue import claiming, working
from integrations.queue.claiming import claim_next, release
from integrations.queue.presence import Presence, Turn, forget_dead_loaders, is_gone, presence_folder
from integrations.queue.working import LoaderProcess
from tests.factories import make_access_token, make_integration, make_member
from tests.queue.sending import send
from tests.server import ROOT

pytestmark = pytest.mark.django_db
ANNOUNCE = """
import django, os, signal, sys
django.setup()
from integrations.queue.presence import Presence
print(Presence().name, flush=True)
signal.pause()
"""


def later(seconds):
    return timezone.now() + timedelta(seconds=seconds)


def use_server(account):
    """Let the account load into a destination that admits several writers."""
    server = Destination.objects.create(
        account=account,
        type="postgres",
        display_name="Server",
        host="127.0.0.1",
        port=1,
        database="warehouse",
        username="loader",
    )
    Integration.objects.filter(account=account).update(destination=server)


@pytest.fixture
def neighbour(db):
    """A token of another account."""
    return make_access_token(make_integration(make_member().memberships.get().account))[0]


def test_accounts_load_side_by_side(token, neighbour, queue):
    send(token)
    send(neighbour)

    claims = [claim_next(now=later(0)), claim_next(now=later(0))]

    assert {claim.table.integration_id for claim in claims} == {
        token.integration_id,
        neighbour.integration_id,
    }
    assert claim_next(now=later(0)) is None


def test_tables_load_side_by_side_into_a_server_each_by_one(token, queue):
    use_server(token.account)
    for table in ("bikes", "docks"):
        send(token, table=table)

    claims = [claim_next(now=later(0)), claim_next(now=later(0))]

    assert {claim.table.table_name for claim in claims} == {"bikes", "docks"}
    send(token, table="bikes")
    assert claim_next(now=later(0)) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(5))
def test_of_many_loaders_one_gets_the_file(token, queue, round_number):
    """Two who both saw it free: the database decides."""
    for table in ("bikes", "docks", "riders", "trips"):
        send(token, table=table)
    claim_next(now=later(0))  # the destination comes into being here, not in the race
    QueuedTable.objects.update(lease=None)
    together = threading.Barrier(8)

    def claim(_):
        try:
            together.wait(30)
            return claim_next(now=later(0))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        claims = [found for found in pool.map(claim, range(8)) if found is not None]

    assert len(claims) == 1


def test_an_account_that_has_enough_loaders_is_left_alone(token, neighbour, queue):
    send(token)
    send(neighbour)

    assert claim_next(now=later(0), avoiding={token.account_id}).table.account_id == neighbour.account_id
    assert claim_next(now=later(0), avoiding={token.account_id}) is None


@pytest.mark.django_db(transaction=True)
def test_I11_an_account_whose_destination_hangs_leaves_a_loader_to_the_others(
    token, neighbour, queue, monkeypatch
):
    """Two of three hands wait for a server that does not answer; the third goes on."""
    use_server(token.account)
    for number in range(5):
        send(token, table=f"stuck {number}")
    send(neighbour)
    hanging, began, done = threading.Event(), threading.Semaphore(0), threading.Event()

    def carry_out(claim):
        if claim.table.account_id == token.account_id:
            began.release()
            hanging.wait(30)
        else:
            BatchTable.objects.filter(pk__in=[share.pk for share in claim.shares]).update(state="loaded")
            done.set()
        release(claim)
        connections.close_all()

    monkeypatch.setattr(working, "carry_out", carry_out)
    process = LoaderProcess(3)
    while process.begin_next():
        pass
    try:
        assert began.acquire(timeout=30)
        assert began.acquire(timeout=30)
        assert done.wait(30)
        assert not began.acquire(blocking=False)  # a third table of the hanging account was not begun
    finally:
        hanging.set()
        assert process.hands.rest(30)
        process.end()


def test_I11_loads_that_last_give_their_places_to_others_within_bounds(token, queue, monkeypatch):
    accounts = [
        token,
        *(make_access_token(make_integration(make_member().memberships.get().account))[0] for _ in "abcd"),
    ]
    for sender in accounts:
        send(sender)
    process = LoaderProcess(1)
    process.hands.threads = [threading.current_thread()] * 99  # none is begun: these loads never end
    begun = []
    for seconds in (30, 30, 0, 0, 0, 0):
        monkeypatch.setattr(working, "LASTING_SECONDS", seconds)
        begun.append(process.begin_next())

    assert begun == [True, False, True, True, True, False]


@pytest.mark.django_db(transaction=True)
def test_loads_run_at_once_and_all_that_is_due_is_drained(token, neighbour, queue, monkeypatch):
    """Neither of two loads could end if the other had not begun."""
    both = threading.Barrier(2)
    carry_out = working.carry_out

    def together(claim):
        both.wait(30)
        carry_out(claim)
        connections.close_all()

    monkeypatch.setattr(working, "carry_out", together)
    for sender in (token, neighbour):
        send(sender)
    LoaderProcess(2).drain()

    assert not BatchTable.objects.waiting().exists()
    assert list(presence_folder().glob("[0-9a-f]*")) == []


def announced_process():
    """Start a process that announces itself as a loader; return it and its name."""
    environment = {
        "PATH": "",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATA_DIR": str(django_settings.DATA_DIR),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", ANNOUNCE], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def test_a_killed_loaders_table_is_taken_at_once_and_a_living_ones_is_not(token, queue):
    process, name = announced_process()
    try:
        send(token)
        assert claim_next(now=later(0), loader=name) is not None
        assert claim_next(now=later(1)) is None
    finally:
        process.kill()
        process.communicate()

    assert is_gone(name)
    assert claim_next(now=later(1), loader="another") is not None
    forget_dead_loaders({name})
    assert is_gone(name)
    forget_dead_loaders(set())
    assert not presence_folder().joinpath(name).exists()


def test_a_loader_that_never_announced_itself_here_is_not_known_to_be_gone(queue):
    assert not is_gone("")
    assert not is_gone("elsewhere")
    presence = Presence()
    assert not is_gone(presence.name)
    presence.end()
    assert not is_gone(presence.name)


def test_one_process_at_a_time_has_a_duty(queue):
    first, second = Turn("tidying"), Turn("tidying")
    assert first.is_mine()
    assert first.is_mine()
    assert not second.is_mine()
    first.end()
    assert second.is_mine()
    second.end()


# The clock is set back


def test_a_lease_of_a_later_clock_ends_as_if_it_were_new(token, queue):
    send(token)
    assert claim_next(now=later(3600)) is not None  # the loader died with this; then the clock went back

    assert claim_next(now=later(0)) is None
    assert claim_next(now=later(claiming.LEASE.total_seconds() + 1)) is not None


def test_a_pause_of_a_later_clock_is_over(token, queue):
    send(token)
    claim = claim_next(now=later(3600))
    claiming.postpone(claim, claiming.LoadError("The key changed."), now=later(3600))

    assert claim_next(now=later(0)) is not None


def test_what_never_failed_does_not_wait_for_the_clock(token, queue):
    send(token)
    QueuedTable.objects.update(not_before=later(200))

    assert claim_next(now=later(0)) is not None


def test_a_share_set_aside_by_a_later_clock_is_looked_at_again(token, queue):
    send(token)
    claiming.set_aside(BatchTable.objects.get(), "gone", now=later(3600))

    assert claim_next(now=later(0)) is not None


def test_I11_an_account_served_by_a_later_clock_takes_its_turns(token, neighbour, queue):
    send(token)
    release(claim_next(now=later(3600)))
    send(neighbour)
    release(claim_next(now=later(0), avoiding={token.account_id}))

    assert claim_next(now=later(1)).table.account_id == token.account_id


def test_what_waits_for_a_file_in_use_costs_a_claim_no_query_each(token, queue):
    send(token)
    assert claim_next(now=later(0)) is not None
    for _ in range(2):  # one alone needs no turn
        send(make_access_token(make_integration(token.account))[0])
    with CaptureQueriesContext(connections["default"]) as few:
        assert claim_next(now=later(0)) is None
    for _ in range(5):
        send(make_access_token(make_integration(token.account))[0])

    with CaptureQueriesContext(connections["default"]) as many:
        assert claim_next(now=later(0)) is None

    assert len(many) <= len(few)
