"""The leaver's desk: what it shows, what it does, and that it holds within one request (D30, P7, S5, P12)."""

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Role
from tests.factories import make_account, make_api_key, make_invitation, make_member

pytestmark = pytest.mark.django_db


def read(response) -> str:
    return " ".join(response.content.decode().split())


@pytest.fixture
def leaver(account, member):
    return make_member(
        account, role=Role.GENERAL_USER, first_name="Grace", last_name="Hopper", email="grace@example.com"
    )


@pytest.fixture
def desk(page, leaver):
    return page("member-deactivate", membership_id=leaver.memberships.get().pk)


def api(secret) -> int:
    return Client(headers={"Authorization": f"Bearer {secret}"}).get("/v4/sources").status_code


def choice(key, choice, owner="", until="") -> dict:
    return {f"key-{key.pk}-choice": choice, f"key-{key.pk}-owner": owner, f"key-{key.pk}-until": until}


def is_active(person) -> bool:
    return person.memberships.get().deactivated_at is None


def test_an_invitation_to_the_address_that_a_leaver_has_now_is_no_way_back(
    signed_in, desk, account, member, leaver
):
    """Somebody who was invited at a second address may have made it their own since."""
    invitation = make_invitation(account, email=leaver.email, invited_by=member)
    signed_in.post(desk)
    assert not is_active(leaver)
    invitation.refresh_from_db()
    assert invitation.cancelled_at is not None


def test_the_desk_says_before_the_click_what_ends(signed_in, desk, account, member, leaver):
    used_at = timezone.now() - timedelta(hours=3)
    make_api_key(
        account, leaver, description="Nightly", last_used_at=used_at, last_used_address="192.0.2.9",
        last_used_client="airflow/2.9",
    )  # fmt: skip
    make_api_key(account, leaver, description="Experiments", disabled_at=timezone.now())
    make_api_key(account, member, description="Not theirs")
    make_api_key(account, leaver, description="Handed on", handed_to=member)
    text = read(signed_in.get(desk))
    assert "Deactivate Grace Hopper?" in text
    assert "2 API access keys of theirs" in text
    assert "Every API access key of theirs that you do not keep below is disabled at once" in text
    assert "Nightly" in text
    assert "3 hours ago" in text
    assert "from 192.0.2.9 by airflow/2.9" in text
    assert "Experiments" in text
    assert "Leave it disabled" in text
    assert "Not theirs" not in text
    assert "Handed on" in text.partition("Created by them, owned by others")[2]
    assert is_active(leaver)


def test_P7_P11_S5_a_deactivated_member_is_out_at_the_next_request(signed_in, desk, account, member, leaver):
    other = make_account()
    Membership.objects.create(account=other, user=leaver)
    theirs = Client()
    theirs.force_login(leaver)
    here = reverse("accounts:members", kwargs={"client_id": account.client_id})
    there = reverse("accounts:members", kwargs={"client_id": other.client_id})
    assert theirs.get(here).status_code == theirs.get(there).status_code == 200
    _, secret = make_api_key(account, leaver)
    _, secret_there = make_api_key(other, leaver)
    assert api(secret) == 200
    assert signed_in.post(desk).status_code == 302
    assert theirs.get(here).status_code == 404
    assert theirs.post(here).status_code == 404
    assert theirs.get(there).status_code == 200
    assert theirs.get("/").url.startswith(f"/client/{other.client_id}/")
    assert api(secret) == 401
    assert api(secret_there) == 200


def test_who_lost_the_last_account_is_told_so_everywhere(signed_in, desk, account, leaver):
    theirs = Client()
    theirs.force_login(leaver)
    signed_in.post(desk)
    own = reverse("accounts:members", kwargs={"client_id": account.client_id})
    for path in ("/", own, "/client/1/account/billing"):
        response = theirs.get(path)
        assert response.status_code == (200 if path == "/" else 404)
        assert "You are in no account" in read(response)
        assert reverse("accounts:account-create") in read(response)
    assert theirs.post(
        reverse("accounts:account-create"), {"company_name": "Grace Ltd", "region": "eu", "form_id": "1"}
    ).url == reverse(
        "integrations:dashboard", kwargs={"client_id": leaver.memberships.last().account.client_id}
    )
    assert leaver.memberships.active().get().role == Role.ADMINISTRATOR


def test_each_key_as_it_was_chosen(signed_in, desk, account, member, leaver):
    kept, kept_secret = make_api_key(account, leaver, description="Kept")
    until_key, until_secret = make_api_key(account, leaver, description="For a while")
    deleted, deleted_secret = make_api_key(account, leaver, description="Deleted")
    left, left_secret = make_api_key(account, leaver, description="Left alone")
    day = timezone.now().date() + timedelta(days=10)
    sent = (
        choice(kept, "keep", member.email.upper())
        | choice(until_key, "keep", member.email, day.isoformat())
        | choice(deleted, "delete")
        | choice(left, "disable")
    )
    response = signed_in.post(desk, sent, follow=True)
    assert "API access keys: 2 kept under a new owner, 1 deleted, 1 disabled." in read(response)
    assert [api(secret) for secret in (kept_secret, until_secret, deleted_secret, left_secret)] == [
        200, 200, 401, 401,
    ]  # fmt: skip
    until_key.refresh_from_db()
    assert until_key.handed_until == datetime.combine(day + timedelta(days=1), time.min, UTC)
    settings = read(
        signed_in.get(reverse("accounts:account-settings", kwargs={"client_id": account.client_id}))
    )
    assert f"owned by {member.email}" in settings
    assert "Kept by its owner; stops on" in settings


def test_a_new_key_made_meanwhile_is_disabled_with_the_rest(signed_in, desk, account, leaver):
    old, _ = make_api_key(account, leaver)
    _, secret = make_api_key(account, leaver)
    signed_in.post(desk, choice(old, "delete"))
    assert not is_active(leaver)
    assert api(secret) == 401


@pytest.mark.parametrize(
    ("owner", "until", "words"),
    [
        ("", "", "Say who owns the key from now on."),
        (
            "nobody@example.com",
            "",
            "No other active member of this account has the address nobody@example.com.",
        ),
        (
            "grace@example.com",
            "",
            "No other active member of this account has the address grace@example.com.",
        ),
        ("not an address", "", "Enter a valid email address."),
        ("MEMBER", "2020-01-01", "This day is over."),
        ("MEMBER", "9999-12-31", "Choose a day within the next ten years"),
        ("MEMBER", "soon", "Enter a valid date."),
    ],
)
def test_a_choice_that_cannot_be_is_refused_and_nothing_happens(
    signed_in, desk, account, member, leaver, owner, until, words
):
    key, secret = make_api_key(account, leaver)
    response = signed_in.post(desk, choice(key, "keep", owner.replace("MEMBER", member.email), until))
    assert response.status_code == 422
    assert words in read(response)
    assert is_active(leaver)
    assert api(secret) == 200
    assert not account.audit_events.exists()


def test_P12_the_desk_asks_for_a_fresh_sign_in(signed_in, desk, leaver):
    session = signed_in.session
    session["signed_in_at"] = 0
    session.save()
    assert signed_in.get(desk).url.startswith("/session/confirm?next=")
    assert signed_in.post(desk).status_code == 422
    assert is_active(leaver)


def test_nobody_sits_at_the_desk_for_themselves(signed_in, page, account, member):
    own = page("member-deactivate", membership_id=member.memberships.get().pk)
    for response in (signed_in.get(own, follow=True), signed_in.post(own, follow=True)):
        assert response.redirect_chain == [(page("members"), 302)]
        assert "You cannot deactivate yourself." in read(response)
    assert is_active(member)


def test_the_desk_of_somebody_deactivated_leads_back(signed_in, desk, page, leaver):
    signed_in.post(desk)
    assert signed_in.get(desk).url == page("members")


def test_ten_keys_cost_as_many_queries_as_one(signed_in, desk, account, leaver):
    counts = []
    for more in (1, 9):
        for _ in range(more):
            make_api_key(account, leaver)
        signed_in.get(desk)
        with CaptureQueriesContext(connection) as queries:
            signed_in.get(desk)
        counts.append(len(queries))
    assert counts[0] == counts[1]
