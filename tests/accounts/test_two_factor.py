"""Two-factor authentication by authenticator app, with recovery codes (issue 4 B; promises P3, P5, P12, S6, A2)."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.db import connections

from accounts.models import AuditEvent
from accounts.services import second_step, throttle
from accounts.services.second_step import WrongCode, check_second_step
from tests.accounts.second_factors import (
    code_of,
    recovery_codes_on,
    sealed_on,
    secret_on,
    with_app,
    wrong_code,
)
from tests.accounts.test_secrets_never_stored import everything_stored
from tests.factories import make_member, make_user
from tests.mailbox import sent_mails

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
SERVER = "http://testserver"


@pytest.fixture
def ann():
    return make_member(email="ann@example.com", password=PASSWORD)


def give_password(client, **more):
    return client.post("/session/create", {"email": "ann@example.com", "password": PASSWORD}, **more)


def give_code(client, code, **more):
    return client.post("/session/second-step", {"code": code}, **more)


def is_signed_in(client):
    return "_auth_user_id" in client.session


def events(person):
    return list(AuditEvent.objects.filter(actor=person).order_by("pk").values_list("event", flat=True))


def enrol(client):
    """Add an app through the pages; return its secret and the answer."""
    page = client.get("/security/authenticator/new").content.decode()
    secret = secret_on(page)
    fields = {"enrolment": sealed_on(page), "code": code_of(secret)}
    return secret, client.post("/security/authenticator/new", fields)


def test_adding_an_app_shows_recovery_codes_once(client, ann):
    client.force_login(ann)
    assert "Off" in client.get("/security").content.decode()
    opened = client.get("/security/authenticator/new")
    assert opened.status_code == 200
    assert '<svg class="qr-code"' in opened.content.decode()
    secret, answer = enrol(client)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    codes = recovery_codes_on(answer.content.decode())
    assert len(set(codes)) == 10
    assert {len(code) for code in codes} == {12}
    page = client.get("/security").content.decode()
    assert "10 unused" in page
    assert secret not in page
    assert not any(code in page for code in codes)
    assert events(ann) == ["user.authenticator_added", "user.recovery_codes_made"]
    assert [message.subject for message in sent_mails()] == ["Stitch: An authenticator app was added"]


def test_P3_secret_and_recovery_codes_are_stored_sealed(client, ann, caplog):
    caplog.set_level("DEBUG")
    client.force_login(ann)
    secret, answer = enrol(client)
    codes = recovery_codes_on(answer.content.decode())
    stored = [value for _, value in everything_stored()]
    assert not [value for value in stored if secret in value]
    assert not [value for value in stored for code in codes if code in value]
    assert secret not in caplog.text
    sealed = Authenticator.objects.get(type="totp").data["secret"]
    assert sealed.startswith("v1:")


def test_an_app_counts_only_once_it_has_shown_its_code(client, ann):
    client.force_login(ann)
    page = client.get("/security/authenticator/new").content.decode()
    secret, sealed = secret_on(page), sealed_on(page)
    refused = client.post("/security/authenticator/new", {"enrolment": sealed, "code": wrong_code(secret)})
    assert refused.status_code == 422
    assert "This is not the code that the app shows now." in refused.content.decode()
    assert secret_on(refused.content.decode()) == secret  # the app scanned it: it stays the same
    assert not Authenticator.objects.exists()


def test_an_enrolment_is_the_persons_own_and_an_hour_long(client, ann, monkeypatch):
    client.force_login(make_member())
    stolen = client.get("/security/authenticator/new").content.decode()
    client.force_login(ann)
    fields = {"enrolment": sealed_on(stolen), "code": code_of(secret_on(stolen))}
    answer = client.post("/security/authenticator/new", fields)
    assert (answer.status_code, Authenticator.objects.count()) == (422, 0)
    own = client.get("/security/authenticator/new").content.decode()
    fields = {"enrolment": sealed_on(own), "code": code_of(secret_on(own))}
    now = time.time()
    monkeypatch.setattr("accounts.services.second_factor.time.time", lambda: now + 61 * 60)
    session = client.session
    session["signed_in_at"] = int(now + 61 * 60)
    session.save()
    answer = client.post("/security/authenticator/new", fields)
    assert "open for too long" in answer.content.decode()
    assert secret_on(answer.content.decode()) != secret_on(own)


def test_a_form_without_its_enrolment_begins_anew(client, ann):
    client.force_login(ann)
    answer = client.post("/security/authenticator/new", {"code": "123456"})
    assert answer.status_code == 422
    assert secret_on(answer.content.decode())


def test_there_is_one_app(client, ann):
    with_app(ann)
    client.force_login(ann)
    assert client.get("/security/authenticator/new").status_code == 409


def test_the_password_alone_opens_nothing(client, ann):
    secret, _ = with_app(ann)
    answer = give_password(client)
    assert (answer.status_code, answer["Location"]) == (302, "/session/second-step")
    assert not is_signed_in(client)
    assert client.get("/security").status_code == 302
    assert "user.signed_in" not in events(ann)
    page = client.get("/session/second-step").content.decode()
    assert "ann@example.com" in page
    answer = give_code(client, code_of(secret))
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_signed_in(client)
    assert events(ann)[-1] == "user.signed_in"


def test_the_second_step_leads_where_the_person_wanted_to_go(client, ann):
    secret, _ = with_app(ann)
    client.post("/session/create?next=/security", {"email": ann.email, "password": PASSWORD})
    assert give_code(client, code_of(secret))["Location"] == "/security"


def test_staff_pass_the_same_second_step(client):
    staff = make_user(email="ann@example.com", password=PASSWORD, is_staff=True, is_superuser=True)
    secret, _ = with_app(staff)
    client.post("/session/create?next=/admin/", {"email": staff.email, "password": PASSWORD})
    assert client.get("/admin/").status_code == 302
    assert give_code(client, code_of(secret))["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert client.get("/security").status_code == 200


def test_the_second_step_without_a_first_one_leads_to_it(client, ann):
    secret, _ = with_app(ann)
    assert client.get("/session/second-step")["Location"] == "/session/create"
    assert give_code(client, code_of(secret))["Location"] == "/session/create"
    assert not is_signed_in(client)


def test_a_new_password_ends_sign_ins_that_wait_for_their_second_step(client, ann):
    secret, _ = with_app(ann)
    give_password(client)
    ann.set_password("an entirely new password")
    ann.save()
    assert give_code(client, code_of(secret))["Location"] == "/session/create"
    assert not is_signed_in(client)


def test_who_is_deactivated_between_the_steps_stays_outside(client, ann):
    secret, _ = with_app(ann)
    give_password(client)
    ann.memberships.update(deactivated_at="2026-01-01T00:00:00Z")
    assert give_code(client, code_of(secret))["Location"] == "/session/create"


def test_a_code_works_once(client, ann):
    secret, _ = with_app(ann)
    code = code_of(secret)
    give_password(client)
    give_code(client, code)
    client.post("/session/end")
    give_password(client)
    answer = give_code(client, code)
    assert answer.status_code == 422
    assert not is_signed_in(client)
    assert give_code(client, code_of(secret, later=1)).status_code == 302


def test_the_code_that_added_the_app_is_used_up(client, ann):
    client.force_login(ann)
    secret, _ = enrol(client)
    with pytest.raises(WrongCode):
        check_second_step(person=ann, code=code_of(secret), server=SERVER)


def test_an_older_code_does_not_work_after_a_newer_one(ann):
    secret, _ = with_app(ann)
    check_second_step(person=ann, code=code_of(secret, later=1), server=SERVER)
    with pytest.raises(WrongCode):
        check_second_step(person=ann, code=code_of(secret), server=SERVER)


@pytest.mark.django_db(transaction=True)
def test_a_code_sent_twenty_times_at_once_works_once(ann):
    secret, _ = with_app(ann)
    code = code_of(secret)

    def try_it(_):
        try:
            return check_second_step(person=ann, code=code, server=SERVER)
        except (WrongCode, second_step.TooManyCodes):
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as threads:
        assert sum(found is not None for found in threads.map(try_it, range(20))) == 1


def test_a_recovery_code_opens_once_and_its_owner_is_told(client, ann):
    _, codes = with_app(ann)
    sent_mails().clear()
    give_password(client)
    answer = give_code(client, f"{codes[3][:4]} {codes[3][4:8]}-{codes[3][8:]}")
    assert (answer.status_code, is_signed_in(client)) == (302, True)
    assert "9 unused" in client.get("/security").content.decode()
    assert "You have 9 left." in sent_mails()[0].body
    assert "user.recovery_code_used" in events(ann)
    client.post("/session/end")
    give_password(client)
    assert give_code(client, codes[3]).status_code == 422


def test_new_recovery_codes_replace_the_old_ones(client, ann):
    _, old = with_app(ann)
    client.force_login(ann)
    asked = client.get("/security/recovery-codes/new").content.decode()
    assert "<strong>10 unused</strong> of your present list work no more" in asked
    answer = client.post("/security/recovery-codes/new")
    new = recovery_codes_on(answer.content.decode())
    assert not set(new) & set(old)
    assert "no-store" in answer["Cache-Control"]
    with pytest.raises(WrongCode):
        check_second_step(person=ann, code=old[0], server=SERVER)
    check_second_step(person=ann, code=new[0], server=SERVER)


def test_recovery_codes_need_something_to_recover(client, ann):
    client.force_login(ann)
    assert client.post("/security/recovery-codes/new").status_code == 409
    assert not Authenticator.objects.exists()


def test_removing_the_app_ends_two_factor_authentication(client, ann):
    with_app(ann)
    client.force_login(ann)
    assert (
        "Two-factor authentication is off then"
        in client.get("/security/authenticator/remove").content.decode()
    )
    sent_mails().clear()
    assert client.post("/security/authenticator/remove")["Location"] == "/security"
    assert not Authenticator.objects.exists()
    assert [message.subject for message in sent_mails()] == ["Stitch: The authenticator app was removed"]
    client.post("/security/authenticator/remove")  # a second click says nothing new
    assert events(ann).count("user.authenticator_removed") == 1
    client.post("/session/end")
    assert give_password(client)["Location"] == "/"


@pytest.mark.parametrize("path", ["authenticator/new", "authenticator/remove", "recovery-codes/new"])
def test_P12_a_second_factor_changes_only_after_a_fresh_sign_in(client, ann, path):
    with_app(ann)
    client.force_login(ann)
    session = client.session
    session["signed_in_at"] = int(time.time()) - 16 * 60
    session.save()
    assert client.get(f"/security/{path}")["Location"].startswith("/session/confirm?next=")
    assert client.post(f"/security/{path}").status_code == 422
    assert Authenticator.objects.filter(user=ann).count() == 2


def test_S6_ten_wrong_codes_and_then_a_delay_for_this_place_only(client, ann):
    secret, _ = with_app(ann)
    give_password(client)
    for _ in range(10):
        assert give_code(client, wrong_code(secret)).status_code == 422
    refused = give_code(client, code_of(secret))
    assert refused.context["form"].errors["code"] == ["Too many wrong codes. Try again in 15 minutes."]
    assert not is_signed_in(client)
    assert events(ann).count("user.second_step_failed") == 10
    elsewhere = type(client)(REMOTE_ADDR="203.0.113.9")
    give_password(elsewhere)
    assert give_code(elsewhere, code_of(secret)).status_code == 302


def test_S6_the_delay_ends_with_a_new_password(client, ann):
    from accounts.services.passwords import request_reset

    secret, _ = with_app(ann)
    give_password(client)
    for _ in range(10):
        give_code(client, wrong_code(secret))
    request_reset(email=ann.email, server=SERVER)
    link = next(line for line in sent_mails()[-1].body.split() if "/password/reset/" in line)
    form = client.get(link.replace(SERVER, ""))["Location"]
    new = "an entirely new password"
    client.post(form, {"new_password": new, "confirm_new_password": new})
    assert not is_signed_in(client)  # a link in the mail stands in for the password, not for the second step
    client.post("/session/create", {"email": ann.email, "password": new})
    assert give_code(client, code_of(secret)).status_code == 302


def guess_from_everywhere(ann, secret):
    for _ in range(throttle_limit()):
        throttle.take_place(second_step.WRONG_CODES_FROM_ANYWHERE, str(ann.pk))


def throttle_limit():
    return second_step.WRONG_CODES_FROM_ANYWHERE.most


def test_D37_guessing_from_everywhere_closes_the_app_to_strange_places_and_never_the_owner(client, ann):
    secret, codes = with_app(ann)
    home = {"REMOTE_ADDR": "192.0.2.10"}
    give_password(client, **home)
    give_code(client, code_of(secret), **home)
    client.post("/session/end", **home)
    guess_from_everywhere(ann, secret)
    strange = type(client)(REMOTE_ADDR="203.0.113.9")
    give_password(strange)
    assert give_code(strange, code_of(secret, later=1)).status_code == 422
    assert give_code(strange, codes[0]).status_code == 302
    give_password(client, **home)
    assert give_code(client, code_of(secret, later=1), **home).status_code == 302


def test_the_owner_is_told_once_that_somebody_knows_the_password(client, ann):
    secret, _ = with_app(ann)
    sent_mails().clear()
    give_password(client)
    for _ in range(8):
        give_code(client, wrong_code(secret))
    assert [message.subject for message in sent_mails()] == ["Stitch: Somebody knows your password"]


def test_a_second_factor_sealed_with_another_key_opens_nothing_and_fails_nowhere(
    client, ann, settings, caplog
):
    secret, codes = with_app(ann)
    settings.CREDENTIAL_KEY = "another key of at least fifty random characters, made up here"
    give_password(client)
    assert give_code(client, code_of(secret)).status_code == 422
    assert give_code(client, codes[0]).status_code == 422
    assert "second_step.unreadable" in caplog.text
    client.force_login(ann)
    assert client.get("/security").status_code == 200


def test_whoever_runs_the_server_lets_a_person_in_who_lost_everything(client, ann, capsys):
    with_app(ann)
    sent_mails().clear()
    call_command("reset_two_factor", "ann@example.com", reason="Lost the telephone, seen in person")
    assert not Authenticator.objects.exists()
    event = AuditEvent.objects.get(event="user.second_factors_reset")
    assert (event.by_staff, event.detail) == (True, {"reason": "Lost the telephone, seen in person"})
    assert [message.subject for message in sent_mails()] == ["Stitch: Two-factor authentication was removed"]
    assert give_password(client)["Location"] == "/"
    call_command("reset_two_factor", "ann@example.com", reason="again")
    assert "has no two-factor authentication" in capsys.readouterr().out


def test_the_page_shows_times_with_their_zone_and_asks_a_constant_number_of_queries(client, ann):
    secret, _ = with_app(ann)
    give_password(client)
    give_code(client, code_of(secret))
    page = client.get("/security").content.decode()
    assert "last used on" in page
    assert "(UTC)" in page


def test_D19_a_superuser_lets_a_person_in_who_lost_everything_and_support_does_not(client, ann):
    from django.contrib.auth.models import Group

    with_app(ann)
    choice = {"action": "reset_two_factor", "_selected_action": [ann.pk]}
    support = make_user(is_staff=True)
    support.groups.add(Group.objects.get(name="Support"))
    client.force_login(support)
    client.post("/admin/accounts/user/", choice | {"reason": "Lost"})
    assert Authenticator.objects.filter(user=ann).exists()
    boss = make_user(is_staff=True, is_superuser=True)
    client.force_login(boss)
    asked = client.post("/admin/accounts/user/", choice)
    assert "Make sure first that it is they who ask." in asked.content.decode()
    assert Authenticator.objects.filter(user=ann).exists()
    client.post("/admin/accounts/user/", choice | {"reason": "Seen in person"})
    assert not Authenticator.objects.filter(user=ann).exists()
    event = AuditEvent.objects.get(event="user.second_factors_reset")
    assert (event.actor, event.by_staff, event.detail) == (boss, True, {"reason": "Seen in person"})
    again = client.post("/admin/accounts/user/", choice | {"reason": "Again"}, follow=True)
    assert "Nothing to do" in again.content.decode()
