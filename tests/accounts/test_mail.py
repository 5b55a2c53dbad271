"""Mails wait with the change that they tell of, are tried again, and are shown when they fail."""

import json
import re
import sys
from datetime import date, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.tokens import default_token_generator
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from django.utils import timezone

from accounts.models import Task
from accounts.services.email_addresses import send_confirmation
from accounts.services.mail import send_mail, undelivered
from accounts.services.mail_facts import packed, unpacked
from accounts.services.passwords import change_password, request_reset
from accounts.services.task_work import drain
from tests.factories import make_account, make_member
from tests.mailbox import sent_mails
from tests.queue.processes import prepared_product, product_like
from tests.smtp_server import mail_server

pytestmark = pytest.mark.django_db
SERVER = "https://stitch.example.com"


@pytest.fixture
def ann():
    return make_member(email="ann@example.com", password="correct horse battery")


@pytest.fixture
def post_office(settings):
    """A real mail server that Django talks to."""
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 15
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        yield server


def tell(person, **more):
    send_mail(
        "email_changed",
        to=person.email,
        subject="Your email address was changed",
        server=SERVER,
        person=person,
        email="new@example.com",
        **more,
    )


def make_due():
    Task.objects.update(due_at=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_a_mail_goes_out_if_and_only_if_the_change_is_kept(ann):
    with pytest.raises(RuntimeError), transaction.atomic():
        change_password(person=ann, password="another horse battery", server=SERVER)
        raise RuntimeError
    assert sent_mails() == []
    change_password(person=ann, password="another horse battery", server=SERVER)
    assert [message.subject for message in sent_mails()] == ["Stitch: Your password was changed"]


def test_P3_the_secret_of_a_link_stands_nowhere_before_it_is_sent(ann):
    request_reset(email=ann.email, server=SERVER)
    send_confirmation(person=ann, server=SERVER)
    waiting = json.dumps(list(Task.objects.values("kind", "key", "facts", "origin")))
    reset = default_token_generator.make_token(ann)
    assert reset not in waiting
    assert "/password/reset/" not in waiting
    assert "/email/confirm/" not in waiting
    links = [re.search(rf"{SERVER}/\S+", message.body)[0] for message in sent_mails()]
    assert sorted(link.split("/")[3] for link in links) == ["email", "password"]
    assert not Task.objects.exists()


def test_a_confirmation_that_was_overtaken_is_not_sent(ann):
    send_confirmation(person=ann, server=SERVER)
    EmailAddress.objects.filter(user=ann).update(verified=True)
    assert sent_mails() == []
    assert not Task.objects.exists()


def test_S6_asking_for_an_unknown_address_costs_the_same_statements(ann):
    def statements(email):
        with CaptureQueriesContext(connection) as queries:
            request_reset(email=email, server=SERVER)
        return [re.sub(r"\d+", "n", query["sql"].split("VALUES")[0])[:80] for query in queries]

    statements("warm@example.com")
    assert statements("ann@example.com") == statements("ann@example.org")


def test_a_mail_is_tried_until_the_server_takes_it(ann, post_office):
    post_office.answers = [b"451 try later", b"421 busy"]
    account = make_account()
    tell(ann, account=account, key="change 1")
    assert undelivered(account)["change 1"].error == ""
    drain()
    waiting = undelivered(account)["change 1"]
    assert (waiting.error, waiting.is_failed) == ("The mail server refused the address (451).", False)
    assert waiting.next_try_at > timezone.now() + timedelta(seconds=5)
    for _ in range(2):
        make_due()
        drain()
    assert [message["To"] for message in post_office.taken] == ["ann@example.com"]
    assert undelivered(account) == {}


def test_an_address_that_nobody_has_is_given_up_at_once_and_shown(ann, post_office):
    post_office.answers = [b"550 no such person"]
    account = make_account()
    tell(ann, account=account, key="change 1")
    drain()
    failed = undelivered(account)["change 1"]
    assert failed.is_failed
    assert failed.error == "The mail server refused the address (550)."
    tell(ann, account=account, key="change 1")
    drain()
    assert undelivered(account) == {}


def test_a_server_that_is_away_is_asked_again(ann, settings, post_office):
    settings.EMAIL_PORT = 1
    tell(ann)
    drain()
    task = Task.objects.get()
    assert task.error == "The mail server could not be used: Connection refused."
    assert task.failed_at is None


def test_both_tries_of_a_mail_bear_one_name(ann):
    tell(ann)
    task = Task.objects.get()
    sent_mails()
    Task.objects.create(
        pk=task.pk, kind=task.kind, facts=task.facts, created_at=task.created_at, due_at=task.due_at
    )
    one, other = [message.message()["Message-ID"] for message in sent_mails()]
    assert one == other
    assert one.endswith("@localhost>")


def test_a_worker_knows_every_page_that_the_whole_table_knows():
    """It loads a shorter table: a link that it could not make would keep a mail from going out."""
    whole, short = (get_resolver(name) for name in ("stitchapp.urls", "stitchapp.page_urls"))
    for namespace in ("accounts", "integrations"):
        pages = {
            name
            for name, view in names_of(whole.namespace_dict[namespace][1])
            if not view.__module__.startswith(("integrations.importapi", "integrations.connect", "ninja"))
            and getattr(getattr(view, "access", None), "kind", "") in ("member", "public", "signed in")
        }
        assert pages <= {name for name, _ in names_of(short.namespace_dict[namespace][1])}


def names_of(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from names_of(pattern)
        else:
            yield pattern.name, pattern.callback


def test_a_mail_about_somebody_who_was_removed_is_given_up_and_says_so(ann):
    tell(ann)
    Task.objects.update(facts=json.loads(json.dumps(Task.objects.get().facts).replace(str(ann.pk), "0")))
    drain()
    assert Task.objects.get().error == "What it tells of was removed before it was sent (accounts.user)."
    assert mail.outbox == []


def test_what_a_mail_tells_waits_as_it_was_given(ann):
    told = {
        "person": ann,
        "at": timezone.now(),
        "day": date(2026, 11, 28),
        "rows": [{"name": "bikes", "count": 3}, ann],
        "nothing": None,
        "yes": True,
        "share": 0.5,
    }
    assert unpacked(json.loads(json.dumps(packed(told)))) == told
    assert isinstance(unpacked(packed(datetime(2026, 1, 1))), datetime)
    with pytest.raises(TypeError):
        packed(object())


@pytest.mark.live
def test_J2_a_mail_outlives_a_kill_of_the_worker_that_sends_it(tmp_path):
    command = [sys.executable, "manage.py", "run_jobs"]
    with (
        mail_server() as server,
        prepared_product(tmp_path / "prepared") as prepared,
        product_like(prepared, tmp_path / "data") as product,
    ):
        product.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{server.port}"
        product.ask(
            "from accounts.models import User; from accounts.services.mail import send_mail\n"
            "person = User.objects.first()\n"
            "send_mail('email_changed', to='ann@example.com', subject='Changed', "
            f"server='{SERVER}', person=person, email='new@example.com')"
        )
        server.hold.clear()
        product.start("one", command)
        assert server.asked.acquire(timeout=40)
        product.kill("one")
        server.hold.set()
        product.start("two", command)
        assert server.asked.acquire(timeout=40)
        product.processes["two"].terminate()
        product.processes["two"].wait(40)
    assert [message["To"] for message in server.taken] == ["ann@example.com"]
