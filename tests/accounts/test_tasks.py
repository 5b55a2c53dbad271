"""Background work: asked for with the change, done at least once, by one worker at a time (J1-J3)."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.audit import Event
from accounts.models import AuditEvent, Task
from accounts.services import task_leases, task_work, tasks, workers
from accounts.services.failed_tasks import AskedForAgain, NotFailed, retry_task
from accounts.services.task_leases import LEASE, LeaseLost, claim_next, finish, holding
from accounts.services.task_work import carry_out, drain
from accounts.services.tasks import HANDLERS, TaskFailed, add_task, handles, timed
from stitchapp import request_facts
from tests.factories import make_account, make_member, make_user

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def later(**span):
    return timezone.now() + timedelta(**span)


@pytest.fixture(autouse=True)
def no_other_kinds(settings, tmp_path):
    """Only what a test registers exists; workers announce themselves in a folder of its own."""
    before = dict(HANDLERS)
    HANDLERS.clear()
    settings.DATA_DIR = tmp_path
    yield
    HANDLERS.clear()
    HANDLERS.update(before)


@pytest.fixture
def done():
    """A kind of work that notes what it was told."""
    notes = []
    handles("note", pauses=[MINUTE, 2 * MINUTE])(lambda task: notes.append(task.facts))
    return notes


@pytest.fixture
def failing():
    """A kind of work that always fails, and notes when it is given up."""
    given_up = []

    @handles("fail", pauses=[MINUTE, 10 * MINUTE], exhausted=lambda task: given_up.append(task.pk))
    def fail(task):
        raise TaskFailed("The other side did not answer.")

    return given_up


def test_work_is_done_and_gone(done):
    add_task("note", number=1)
    assert drain() == 1
    assert done == [{"number": 1}]
    assert not Task.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_work_exists_if_and_only_if_the_change_does(done):
    with pytest.raises(RuntimeError), transaction.atomic():
        add_task("note", number=1)
        raise RuntimeError
    assert not Task.objects.exists()
    with transaction.atomic():
        add_task("note", number=2)
    drain()
    assert done == [{"number": 2}]


def test_work_for_later_waits(done):
    add_task("note", due_at=later(hours=1))
    assert drain() == 0
    assert claim_next(now=later(hours=2)) is not None


def test_a_kind_that_this_worker_does_not_know_is_left_alone():
    add_task("of-a-newer-release")
    assert drain() == 0
    assert Task.objects.get().attempts == 0


def test_failures_wait_longer_each_time_and_are_given_up_once(failing):
    task = add_task("fail")
    waited = []
    for _ in range(2):
        now = timezone.now()
        drain()
        task.refresh_from_db()
        waited.append(task.due_at - now)
        Task.objects.update(due_at=now)
    assert MINUTE <= waited[0] < 2 * MINUTE
    assert 10 * MINUTE <= waited[1] < 12 * MINUTE
    assert failing == []
    assert drain() == 1
    task.refresh_from_db()
    assert (task.attempts, task.error, task.lease) == (3, "The other side did not answer.", None)
    assert task.failed_at is not None
    assert failing == [task.pk]
    Task.objects.update(due_at=timezone.now())
    assert drain() == 0


def test_a_failure_for_good_is_not_tried_again():
    @handles("refused")
    def refuse(task):
        raise TaskFailed("Nobody has this address.", for_good=True)

    add_task("refused")
    drain()
    assert Task.objects.get().failed_at is not None


def test_an_unexpected_error_is_tried_again_and_told_without_its_words():
    @handles("surprise")
    def surprise(task):
        raise ValueError("hunter2")

    add_task("surprise")
    drain()
    task = Task.objects.get()
    assert (task.error, task.failed_at) == ("Internal error: ValueError", None)


def test_the_failure_stays_seen_when_telling_of_it_fails():
    def exhausted(task):
        raise RuntimeError

    handles("fail", pauses=[], exhausted=exhausted)(lambda task: 1 / 0)
    add_task("fail")
    drain()
    assert Task.objects.get().failed_at is not None


def test_what_telling_of_a_failure_changes_is_kept_with_it(failing):
    account = make_account()

    def exhausted(task):
        account.company_name = "Told"
        account.save(update_fields=["company_name"])

    handles("fail", pauses=[], exhausted=exhausted)(lambda task: 1 / 0)
    add_task("fail", account=account)
    drain()
    account.refresh_from_db()
    assert account.company_name == "Told"


def test_a_leased_task_is_nobody_elses(done):
    add_task("note")
    assert claim_next(now=timezone.now()) is not None
    assert claim_next(now=timezone.now()) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(5))
def test_J2_of_many_workers_one_gets_a_task(done, round_number):
    add_task("note")
    together = threading.Barrier(8)

    def claim(_):
        try:
            together.wait(30)
            return claim_next(now=timezone.now())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        claims = [task for task in pool.map(claim, range(8)) if task is not None]

    assert len(claims) == 1
    assert Task.objects.get().attempts == 1


def test_J2_a_lease_that_ran_out_is_taken_up_and_was_no_try(done):
    add_task("note")
    lost = claim_next(now=timezone.now(), worker="far away")
    after = timezone.now() + LEASE
    assert claim_next(now=after - timedelta(seconds=1)) is None
    taken = claim_next(now=after)
    assert (taken.attempts, taken.interruptions) == (1, 1)
    assert taken.lease != lost.lease


def test_J2_a_worker_that_lost_its_lease_completes_nothing(done):
    add_task("note")
    lost = claim_next(now=timezone.now())
    taken = claim_next(now=timezone.now() + LEASE)
    with pytest.raises(LeaseLost):
        finish(lost, HANDLERS["note"], now=timezone.now())
    with pytest.raises(LeaseLost), holding(lost):
        pass
    with pytest.raises(LeaseLost):
        task_leases.postpone(lost, HANDLERS["note"], "", now=timezone.now())
    assert Task.objects.get().lease == taken.lease


def test_J2_what_a_late_worker_would_store_is_rolled_back(done):
    account = make_account()

    @handles("rename")
    def rename(task):
        Task.objects.update(lease=None)  # as if the lease had run out meanwhile
        with holding(task):
            account.company_name = "Late"
            account.save(update_fields=["company_name"])

    add_task("rename", account=account)
    carry_out(claim_next(now=timezone.now()))
    account.refresh_from_db()
    assert account.company_name != "Late"
    assert Task.objects.count() == 1


def test_what_is_in_hand_is_kept_by_renewing(done):
    add_task("note")
    task = claim_next(now=timezone.now())
    Task.objects.update(leased_until=later(seconds=1))
    task_leases.renew([task.lease])
    assert claim_next(now=later(seconds=2)) is None


def test_a_lease_of_a_later_clock_ends_as_if_it_were_new(done):
    add_task("note")
    claim_next(now=later(days=1))
    claim_next(now=timezone.now())
    assert claim_next(now=timezone.now() + 2 * LEASE) is not None


def test_a_task_that_outlives_no_worker_waits_longer_and_is_given_up_at_last(failing):
    add_task("fail")
    now, pauses = timezone.now(), []
    for _ in range(task_leases.MOST_INTERRUPTIONS + 1):
        assert claim_next(now=now) is not None
        task_leases.reclaim_left_behind(now=now + LEASE)
        task = Task.objects.get()
        pauses.append((task.due_at - now - LEASE).total_seconds())
        now = max(task.due_at, now)
    assert pauses[:5] == [0, 1, 3, 7, 15]
    assert task.error == "Every worker that began it ended before it was done."
    assert failing == [task.pk]


def test_a_key_has_one_open_task(done):
    first = add_task("note", key="a", number=1, due_at=later(hours=2))
    again = add_task("note", key="a", number=2, due_at=later(hours=1))
    assert again.pk == first.pk
    assert add_task("note", key="b").pk != first.pk
    kept = Task.objects.get(key="a")
    assert kept.facts == {"number": 2}
    assert kept.due_at < later(hours=1, minutes=1)


def test_asked_for_again_while_in_hand_it_is_done_once_more():
    seen = []

    @handles("note")
    def note(task):
        seen.append(task.pk)
        if len(seen) == 1:
            add_task("note", key="a", number=2)
        else:
            assert task.facts == {"number": 2}

    add_task("note", key="a", number=1)
    assert drain() == 2
    assert len(seen) == 2
    assert not Task.objects.exists()


def test_asked_for_again_while_given_up_it_is_a_new_task():
    @handles("fail", pauses=[])
    def fail(task):
        if Task.objects.count() == 1:
            add_task("fail", key="a", number=2)
        raise TaskFailed("No.")

    add_task("fail", key="a", number=1)
    carry_out(claim_next(now=timezone.now()))
    assert Task.objects.failed().count() == 1
    assert Task.objects.open().get().facts == {"number": 2}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(5))
def test_of_many_who_ask_at_once_one_makes_the_task(done, round_number):
    together = threading.Barrier(8)

    def ask(_):
        try:
            together.wait(30)
            return add_task("note", key="a").pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert Task.objects.count() == 1


def test_timed_work_runs_again_and_again_by_one_worker():
    ran = []
    timed("tidy", every=timedelta(minutes=5))(ran.append)
    tasks.add_timed_work()
    tasks.add_timed_work()
    assert Task.objects.count() == 1
    assert drain() == 1
    assert len(ran) == 1
    task = Task.objects.get()
    assert timedelta(minutes=4) < task.due_at - timezone.now() <= timedelta(minutes=5)
    assert claim_next(now=later(minutes=6)) is not None
    assert claim_next(now=later(minutes=6)) is None


def test_timed_work_that_fails_comes_again_for_ever():
    timed("tidy", every=timedelta(minutes=5))(lambda now: 1 / 0)
    tasks.add_timed_work()
    for _ in range(10):
        assert drain() == 1
        Task.objects.update(due_at=timezone.now())
    assert Task.objects.get().failed_at is None


def test_timed_work_that_is_not_needed_is_not_begun_and_keeps_nobody_waiting(done):
    ran, needed = [], []
    timed("scheduler", every=timedelta(seconds=1), is_needed=lambda now: bool(needed))(ran.append)
    tasks.add_timed_work()
    add_task("note", number=1)
    with CaptureQueriesContext(connection) as queries:
        assert claim_next(now=later(seconds=-1)) is None
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]
    assert drain() == 1
    assert (done, ran) == ([{"number": 1}], [])
    needed.append("a source is due")
    assert drain() == 1
    assert len(ran) == 1
    assert Task.objects.get().due_at <= later(seconds=1)


def test_timed_work_says_how_soon_it_is_tried_again():
    @timed("scheduler", every=timedelta(seconds=1), pauses=[timedelta(seconds=5)])
    def fail(now):
        raise TaskFailed("The database did not answer.")

    tasks.add_timed_work()
    drain()
    assert later(seconds=4) < Task.objects.get().due_at < later(seconds=6)


def test_an_idle_worker_writes_nothing(done):
    process = workers.WorkerProcess()
    with CaptureQueriesContext(connection) as queries:
        assert process.begin_next() is False
        process.renewed_at -= 60
        process.keep_leases()
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "SELECT"]
    process.presence.end()


@pytest.mark.django_db(transaction=True)
def test_what_is_drained_is_kept_by_renewing_too(monkeypatch):
    monkeypatch.setattr(workers, "RENEWAL_SECONDS", 0.02)
    renewed = []

    @handles("long")
    def last(task):
        give_up = time.monotonic() + 30
        while time.monotonic() < give_up and not renewed:
            if Task.objects.get(pk=task.pk).leased_until > task.leased_until:
                renewed.append(task.pk)

    add_task("long")
    workers.WorkerProcess().drain()
    assert len(renewed) == 1
    assert not Task.objects.filter(kind="long").exists()


def test_kinds_and_accounts_that_are_busy_are_left_alone(done):
    handles("other")(lambda task: None)
    account = make_account()
    add_task("note", account=account)
    add_task("note")
    add_task("other", account=account)
    now = timezone.now()
    assert claim_next(now=now, full={"note"}).kind == "other"
    assert claim_next(now=now, busy={("note", account.pk)}).account is None
    assert claim_next(now=now, busy={("note", account.pk)}) is None


def test_no_account_and_no_kind_takes_all_hands():
    hands = workers.Hands(2)
    account = make_account()
    for number, kind in enumerate(("hook", "hook", "mail")):
        task = Task(pk=number, kind=kind, account=account, lease=f"lease {number}")
        hands.begun[task.lease] = (task, workers.time.monotonic())
    assert hands.full_kinds() == {"hook"}
    assert hands.busy_accounts() == {("hook", account.pk), ("mail", account.pk)}
    for lease, (task, began) in hands.begun.items():
        hands.begun[lease] = (task, began - workers.LASTING_SECONDS - 1)
    assert hands.full_kinds() == set()


def test_later_lines_and_events_tell_of_the_request_that_asked():
    told = []
    handles("note")(lambda task: told.append(request_facts.current()))
    with request_facts.of_origin({"request_id": "abc", "address": "192.0.2.7", "route": "here"}):
        add_task("note")
    drain()
    assert (told[0].request_id, told[0].address, told[0].route) == ("abc", "192.0.2.7", "here")


def test_old_failures_are_removed(failing, done):
    for kind in ("fail", "note"):
        add_task(kind)
    Task.objects.filter(kind="fail").update(failed_at=later(days=-31))
    Task.objects.filter(kind="note").update(failed_at=later(days=-29))
    task_work.forget_old(timezone.now())
    assert Task.objects.get().kind == "note"


def test_A1_a_failed_task_is_retried_with_an_event(failing):
    account = make_account()
    staff = make_user(is_staff=True)
    task = add_task("fail", account=account)
    Task.objects.update(failed_at=timezone.now(), attempts=3, interruptions=1)
    retry_task(task=task, actor=staff, reason="The server is back")
    task.refresh_from_db()
    assert (task.failed_at, task.attempts, task.interruptions) == (None, 0, 0)
    assert task.due_at <= timezone.now()
    event = AuditEvent.objects.get(event=Event.TASK_RETRIED.value)
    assert (event.account, event.actor, event.by_staff) == (account, staff, True)
    assert event.detail == {"reason": "The server is back"}
    with pytest.raises(NotFailed):
        retry_task(task=task, actor=staff, reason="")


def test_a_failed_task_is_not_retried_beside_a_newer_one_of_its_key(failing):
    task = add_task("fail", key="a")
    Task.objects.update(failed_at=timezone.now())
    add_task("fail", key="a")
    with pytest.raises(AskedForAgain):
        retry_task(task=task, actor=make_user(), reason="")


def test_staff_see_what_failed_and_operators_retry_it(client, failing):
    from django.contrib.auth.models import Group

    handles("fail", pauses=[], shown=("to",))(lambda task: 1 / 0)
    account = make_member().memberships.get().account
    add_task("fail", account=account, to="ann@example.com", unseen="not for staff")
    drain()
    task = Task.objects.get()
    for group, may in (("Support", False), ("Operators", True)):
        person = make_user(is_staff=True)
        person.groups.add(Group.objects.get(name=group))
        client.force_login(person)
        page = client.get("/admin/accounts/task/", {"state": "failed"}).content.decode()
        assert "ann@example.com" in page
        assert "Internal error: ZeroDivisionError" in page
        assert "not for staff" not in page
        asked = client.post(
            "/admin/accounts/task/",
            {"action": "retry", "_selected_action": [task.pk], "reason": "Once more"},
            follow=True,
        )
        assert asked.status_code == 200
        task.refresh_from_db()
        assert (task.failed_at is None) == may
