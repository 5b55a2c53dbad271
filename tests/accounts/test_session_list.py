"""Where a person is signed in, ending it, and mail about new places (issue 4 B; promises S5, P11, A1)."""

import time

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.devices import device_words
from accounts.models import AuditEvent
from accounts.services.session_list import forget_sessions
from tests.accounts.second_factors import code_of, sealed_on, secret_on
from tests.factories import make_member
from tests.mailbox import sent_mails

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"


@pytest.fixture
def ann():
    return make_member(email="ann@example.com", password=PASSWORD)


def browser(agent=FIREFOX, address="192.0.2.10"):
    return Client(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)


def sign_in(client):
    client.post("/session/create", {"email": "ann@example.com", "password": PASSWORD})
    return client


def test_a_browser_that_tells_much_of_itself_signs_in_and_is_listed(ann):
    client = sign_in(browser(FIREFOX + " like" * 100))
    assert is_signed_in(client)
    assert len(UserSession.objects.get(user=ann).user_agent) == 200


def is_signed_in(client):
    return client.get("/security").status_code == 200


def ids(person):
    return list(UserSession.objects.filter(user=person).order_by("pk").values_list("pk", flat=True))


def test_the_list_shows_device_address_and_marks_this_one(ann):
    sign_in(browser(CHROME, "198.51.100.7"))
    here = sign_in(browser())
    page = here.get("/security").content.decode()
    assert "Chrome on Windows" in page
    assert "198.51.100.7" in page
    assert page.count("(this one)") == 1
    assert "Firefox on Linux <strong>(this one)</strong>" in page
    assert "(UTC)" in page


def test_one_session_ends_within_one_request(ann):
    other, here = sign_in(browser(CHROME)), sign_in(browser())
    assert here.post(f"/security/sessions/{ids(ann)[0]}/end")["Location"] == "/security"
    assert not is_signed_in(other)
    assert is_signed_in(here)
    event = AuditEvent.objects.get(event="user.session_ended")
    assert event.detail == {"device": "Chrome on Windows", "ended_address": "192.0.2.10"}


def test_ending_this_session_is_signing_out(ann):
    here = sign_in(browser())
    assert here.post(f"/security/sessions/{ids(ann)[0]}/end")["Location"] == "/session/create"
    assert not is_signed_in(here)


def test_P11_another_persons_session_is_unknown(ann):
    theirs = Client()
    bob = make_member()
    theirs.force_login(bob)
    here = sign_in(browser())
    assert here.post(f"/security/sessions/{ids(bob)[0]}/end").status_code == 404
    assert here.post("/security/sessions/987654321/end").status_code == 404
    assert is_signed_in(theirs)
    assert "192.0.2.10" not in theirs.get("/security").content.decode()


def test_S5_signing_out_everywhere_else_leaves_this_one(ann):
    others = [sign_in(browser(CHROME)) for _ in range(3)]
    here = sign_in(browser())
    assert here.post("/security/sessions/end-others")["Location"] == "/security"
    assert not any(is_signed_in(other) for other in others)
    page = here.get("/security")
    assert [row["is_this"] for row in page.context["sessions"]] == [True]
    assert AuditEvent.objects.filter(event="user.sessions_ended").count() == 1


def test_S5_signing_out_everywhere_ends_this_one_too(ann):
    other, here = sign_in(browser(CHROME)), sign_in(browser())
    assert here.post("/security/sessions/end-all")["Location"] == "/session/create"
    assert not is_signed_in(other)
    assert not is_signed_in(here)
    assert not UserSession.objects.filter(user=ann).exists()


def test_S5_a_session_that_no_list_names_ends_too(ann):
    """One that was opened before there was a list."""
    unlisted, here = sign_in(browser(CHROME)), sign_in(browser())
    UserSession.objects.filter(session_key=unlisted.session.session_key).delete()
    here.post("/security/sessions/end-others")
    assert not is_signed_in(unlisted)
    assert is_signed_in(here)


def test_S5_sessions_of_the_first_generation_are_as_they_were(ann):
    """An upgrade signs nobody out."""
    from django.contrib.auth.base_user import AbstractBaseUser

    assert ann.get_session_auth_hash() == AbstractBaseUser.get_session_auth_hash(ann)


def test_S5_a_new_password_empties_the_list_but_for_this_session(ann):
    sign_in(browser(CHROME))
    here = sign_in(browser())
    path = f"/client/{ann.memberships.get().account.client_id}/account/profile/password"
    new = "an entirely new password"
    here.post(path, {"old_password": PASSWORD, "new_password": new, "confirm_new_password": new})
    assert [row["is_this"] for row in here.get("/security").context["sessions"]] == [True]


def test_the_first_factor_ends_sessions_that_the_password_alone_opened(ann):
    other, here = sign_in(browser(CHROME)), sign_in(browser())
    page = here.get("/security/authenticator/new").content.decode()
    secret = secret_on(page)
    here.post("/security/authenticator/new", {"enrolment": sealed_on(page), "code": code_of(secret)})
    assert is_signed_in(here)
    assert not is_signed_in(other)


def test_a_session_in_use_is_seen_again_every_ten_minutes(ann):
    here = sign_in(browser())
    UserSession.objects.update(last_seen_at=timezone.now() - timezone.timedelta(hours=1))
    here.get("/security")
    assert UserSession.objects.get().last_seen_at < timezone.now() - timezone.timedelta(minutes=50)
    session = here.session
    session["seen_at"] = int(time.time()) - 11 * 60
    session.save()
    here.get("/security", REMOTE_ADDR="198.51.100.7")
    seen = UserSession.objects.get()
    assert seen.last_seen_at > timezone.now() - timezone.timedelta(minutes=1)
    assert seen.ip == "198.51.100.7"


def test_what_is_over_leaves_the_list_and_later_the_database(ann):
    over, here = sign_in(browser(CHROME)), sign_in(browser())
    Session.objects.filter(session_key=over.session.session_key).update(
        expire_date=timezone.now() - timezone.timedelta(hours=1)
    )
    assert len(here.get("/security").context["sessions"]) == 1
    forget_sessions(timezone.now())
    assert (Session.objects.count(), UserSession.objects.count()) == (1, 1)


def test_the_list_is_paged_and_its_queries_do_not_grow(ann):
    here = sign_in(browser())
    with CaptureQueriesContext(
        connection,
    ) as one:
        here.get("/security")
    for _ in range(12):
        sign_in(browser(CHROME))
    with CaptureQueriesContext(connection) as many:
        page = here.get("/security")
    assert len(many) == len(one)
    assert len(page.context["sessions"]) == 10
    assert len(here.get("/security?page=2").context["sessions"]) == 3


def test_D5_the_page_offers_the_other_accounts_of_a_person(ann):
    from accounts.models import Membership
    from tests.factories import make_account

    Membership.objects.create(account=make_account(company_name="Second Company"), user=ann)
    assert "Second Company" in sign_in(browser()).get("/security").content.decode()


def alerts():
    return [message for message in sent_mails() if "new device or place" in message.subject]


def test_a_new_device_and_a_new_place_are_told_once(ann):
    sign_in(browser())
    assert alerts() == []  # the first one ever: nothing to compare with
    sign_in(browser())
    assert alerts() == []
    sign_in(browser(CHROME))
    assert len(alerts()) == 1
    assert "Chrome on Windows, from 192.0.2.10" in alerts()[0].body
    assert "(UTC)" in alerts()[0].body
    assert "set a new\npassword" in alerts()[0].body
    sign_in(browser(CHROME))
    assert len(alerts()) == 1
    sign_in(browser(FIREFOX, "198.51.100.7"))
    assert len(alerts()) == 2


def test_a_sign_in_that_stops_before_its_second_step_is_not_told(ann):
    from tests.accounts.second_factors import with_app

    sign_in(browser())
    with_app(ann)
    sign_in(browser(CHROME))
    assert alerts() == []


def test_a_neighbour_in_the_same_ipv6_network_is_the_same_place(ann):
    sign_in(browser(FIREFOX, "2001:db8:1:2::1"))
    sign_in(browser(FIREFOX, "2001:db8:1:2::ffff"))
    assert alerts() == []


def test_alerts_can_be_switched_off_after_a_fresh_sign_in(ann):
    here = sign_in(browser())
    session = here.session
    session["signed_in_at"] = 0
    session.save()
    assert here.post("/security/sign-in-alerts").status_code == 422
    ann.refresh_from_db()
    assert ann.sign_in_alerts
    here.post("/security/sign-in-alerts", {"password_again": PASSWORD})
    ann.refresh_from_db()
    assert not ann.sign_in_alerts
    sign_in(browser(CHROME))
    assert alerts() == []
    here.post("/security/sign-in-alerts", {"sign_in_alerts": "on"})
    here.post("/security/sign-in-alerts", {"sign_in_alerts": "on"})
    assert AuditEvent.objects.filter(event="user.sign_in_alerts_changed").count() == 2


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh)", "A browser on Mac"),
        ("curl/8.5", "curl"),
        ("", "An unknown browser"),
    ],
)
def test_devices_are_named_as_people_do(agent, words):
    assert device_words(agent) == words
