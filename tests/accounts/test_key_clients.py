"""Which programs use a key: noted without making a request wait, bounded, shown at the leaver's desk (D30, D32)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKeyClient, Role
from accounts.services import key_clients
from accounts.services.key_authentication import authenticate_api_key
from stitchapp import request_facts
from tests.factories import make_account, make_api_key, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_remembered():
    key_clients.remembered.forget()
    yield
    key_clients.remembered.forget()


def use(rf, secret, client, *, at=None, address="192.0.2.1"):
    request_facts.begin(rf.get("/", headers={"User-Agent": client}, REMOTE_ADDR=address))
    authenticate_api_key(authorization=secret, now=at or timezone.now())
    request_facts.end()


def names(key) -> list[str]:
    return list(key.clients.values_list("client", flat=True))


def test_every_program_is_noted_and_the_last_one_does_not_hide_the_others(rf, account, member):
    key, secret = make_api_key(account)
    now = timezone.now()
    for seconds, client in enumerate(["airflow/2.9", "curl/8.5", "airflow/2.9"]):
        use(rf, secret, client, at=now + timedelta(seconds=seconds))
    assert names(key) == ["curl/8.5", "airflow/2.9"]
    assert key.clients.last().last_used_address == "192.0.2.1"


def test_a_program_costs_one_write_an_hour(rf, account, member, django_assert_num_queries):
    key, secret = make_api_key(account)
    now = timezone.now()
    use(rf, secret, "airflow/2.9", at=now)
    with django_assert_num_queries(1):
        use(rf, secret, "airflow/2.9", at=now + timedelta(seconds=30))
    assert key.clients.get().last_used_at == now
    later = now + timedelta(hours=1)
    use(rf, secret, "airflow/2.9", at=later, address="192.0.2.2")
    seen = key.clients.get()
    assert (seen.first_used_at, seen.last_used_at, seen.last_used_address) == (now, later, "192.0.2.2")


def test_refused_requests_are_nobody_s_program(rf, account, member):
    key, secret = make_api_key(account, disabled_at=timezone.now())
    response = Client(headers={"Authorization": f"Bearer {secret}", "User-Agent": "thief/1"}).get(
        "/v4/sources"
    )
    assert response.status_code == 401
    assert names(key) == []


def test_D32_the_program_used_longest_ago_makes_room(rf, account, member):
    key, secret = make_api_key(account)
    now = timezone.now()
    for number in range(key_clients.MAX_KEPT + 2):
        use(rf, secret, f"client/{number}", at=now + timedelta(seconds=number))
    assert key.clients.count() == key_clients.MAX_KEPT
    assert "client/0" not in names(key)
    assert names(key)[0] == f"client/{key_clients.MAX_KEPT + 1}"


@pytest.mark.django_db(transaction=True)
def test_a_key_deleted_in_between_is_dropped(rf, account, member, notes_wait):
    key, secret = make_api_key(account)
    use(rf, secret, "airflow/2.9")
    key.delete()
    key_clients.gathered.write_now()
    assert not ApiKeyClient.objects.exists()
    assert not key_clients.gathered._notes


def test_what_is_remembered_is_bounded(monkeypatch, account, member):
    monkeypatch.setattr(key_clients, "MAX_REMEMBERED", 3)
    key, _ = make_api_key(account)
    now = timezone.now()
    for number in range(5):
        assert key_clients.remembered.is_new(key_clients.Seen(key, f"client/{number}", None, now))
    assert not key_clients.remembered.is_new(key_clients.Seen(key, "client/4", None, now))
    assert key_clients.remembered.is_new(key_clients.Seen(key, "client/0", None, now))


def test_the_leaver_s_desk_names_them(rf, client):
    account = make_account()
    client.force_login(make_member(account))
    leaver = make_member(account, role=Role.GENERAL_USER)
    _, secret = make_api_key(account, leaver)
    use(rf, secret, "airflow/2.9")
    use(rf, secret, "")
    place = leaver.memberships.get()
    text = client.get(f"/client/{account.client_id}/account/members/{place.pk}/deactivate").content.decode()
    assert "airflow/2.9, last" in text
    assert "a program that gives no name, last" in text
