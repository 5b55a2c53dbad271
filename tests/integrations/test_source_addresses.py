"""Addresses that an operator forbids are refused for sources too, where they are saved and where a tap starts (D36)."""

import socket
from ipaddress import ip_network

import pytest

from accounts.models import AuditEvent
from integrations.services.integration_updates import update_integration
from integrations.services.source_addresses import AddressRefused, require_permitted
from integrations.services.source_properties import CredentialsNeeded, credentials_of, store_properties
from integrations.sources.registry import find_source_type
from tests.factories import make_account, make_member, make_source

POSTGRES, GITHUB, REST = (f"platform.{name}" for name in ("hp-postgres", "github", "rest-api"))


@pytest.fixture(autouse=True)
def forbidden(settings):
    settings.DESTINATION_FORBIDDEN_ADDRESSES = [ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8")]


@pytest.fixture
def resolver(monkeypatch):
    """Names and their addresses; asking for another is an unknown host."""
    names = {}

    def getaddrinfo(host, *args, **kwargs):
        if host not in names:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in names[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


def judge(type_name, told=False, **values):
    require_permitted(find_source_type(type_name), values, told=told)


@pytest.mark.parametrize(
    ("type_name", "values", "named"),
    [
        (POSTGRES, {"host": "10.1.2.3"}, "host"),
        (POSTGRES, {"host": "::ffff:10.1.2.3"}, "host"),
        (POSTGRES, {"host": "inner.example.com"}, "host"),
        (POSTGRES, {"host": "both.example.com"}, "host"),  # the tap may take either address
        (POSTGRES, {"host": "10.1.2.3", "ssh": "true", "ssh_host": "10.0.0.1"}, "ssh_host"),
        (GITHUB, {"base_url": "http://10.1.2.3:8080/api"}, "base_url"),
        (REST, {"api_url": "https://user@inner.example.com/v1"}, "api_url"),
        (
            REST,
            {"api_url": "https://api.example.com", "access_token_url": "http://127.0.0.1/token"},
            "access_token_url",
        ),
        (POSTGRES, {"host": "2130706433"}, "host"),  # 127.0.0.1 in another spelling
    ],
    ids=str,
)
def test_every_host_and_url_is_judged(resolver, type_name, values, named):
    resolver |= {"inner.example.com": ["10.9.9.9"], "both.example.com": ["192.0.2.1", "10.9.9.9"]}
    resolver["api.example.com"] = ["192.0.2.1"]
    with pytest.raises(AddressRefused) as refused:
        judge(type_name, **values)
    assert refused.value.names == [named]


def test_behind_a_tunnel_the_ssh_host_alone_is_judged(resolver):
    judge(POSTGRES, host="127.0.0.1", ssh="true", ssh_host="192.0.2.1")
    judge(POSTGRES, host="192.0.2.1", ssh="false", ssh_host="127.0.0.1")


def test_a_name_that_is_unknown_now_is_refused_at_use_only(resolver):
    judge(POSTGRES, told=True, host="later.example.com")
    with pytest.raises(AddressRefused, match="is not known"):
        judge(POSTGRES, host="later.example.com")


def test_without_forbidden_ranges_nothing_is_looked_up(settings, monkeypatch):
    settings.DESTINATION_FORBIDDEN_ADDRESSES = []
    monkeypatch.setattr(socket, "getaddrinfo", None)
    judge(POSTGRES, host="db.example.com")


GIVEN = {"host": "192.0.2.1", "port": "5432", "user": "reader", "dbname": "shop", "ssl": "true"}


@pytest.fixture
def source(db):
    account = make_account()
    make_member(account)
    source = make_source(account, type=POSTGRES)
    store_properties(integration=source, given=GIVEN | {"password": "made up"})
    return source


@pytest.mark.parametrize(
    "change",
    [
        {"host": "192.0.2.2"},
        {"port": "5433"},
        {"user": "other"},
        {"ssl": "false"},
        {"ssl": None},
        {"ssh": "true"},
    ],
    ids=str,
)
def test_a_stored_password_is_sent_to_nobody_else(source, change):
    with pytest.raises(CredentialsNeeded) as refused:
        store_properties(integration=source, given=change)
    assert refused.value.names == ["password"]
    source.refresh_from_db()
    assert source.properties["host"] == "192.0.2.1"
    store_properties(integration=source, given=change | {"password": "another"})
    assert credentials_of(source) == {"password": "another"}


@pytest.mark.parametrize(
    "same", [GIVEN, {"dbname": "other"}, {"port": 5432}, {"filter_schemas": "public"}], ids=str
)
def test_what_leads_to_the_same_receiver_keeps_the_password(source, same):
    store_properties(integration=source, given=same)
    assert credentials_of(source) == {"password": "made up"}


def test_a_refused_address_changes_nothing(source):
    actor = source.created_by
    changes = {"display_name": "Renamed", "properties": {"host": "10.0.0.9", "password": "another"}}
    with pytest.raises(AddressRefused):
        update_integration(integration=source, actor=actor, changes=changes)
    source.refresh_from_db()
    assert (source.properties["host"], credentials_of(source)) == ("192.0.2.1", {"password": "made up"})
    assert not AuditEvent.objects.filter(account=source.account, event="integration.renamed").exists()
