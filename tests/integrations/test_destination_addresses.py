"""Which addresses a destination may have (decision D36)."""

import socket
import threading
from ipaddress import ip_address, ip_network

import pytest

from integrations.services import destination_addresses
from integrations.services.destination_addresses import (
    ForbiddenAddress,
    LookUpTimedOut,
    MalformedHost,
    UnknownHost,
    clean_host,
    permitted_addresses,
)


@pytest.fixture
def names(monkeypatch):
    """Let names lead where the test says; everything else is the system's own look-up."""
    known, real = {}, socket.getaddrinfo

    def look_up(host, *rest, **options):
        if host not in known:
            return real(host, *rest, **options)
        addresses = known[host]
        return [answer for address in addresses for answer in real(address, *rest, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("warehouse.example.com", "warehouse.example.com"),
        (" Warehouse.Example.COM. ", "warehouse.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("db_1.internal", "db_1.internal"),
        ("localhost", "localhost"),
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:db8::7]", "2001:db8::7"),
    ],
)
def test_a_name_or_an_address_is_a_host(typed, host):
    assert clean_host(typed) == host


@pytest.mark.parametrize(
    "typed",
    [
        "",
        ".",
        "/var/run/postgresql",
        "@socket",
        "db.example.com:5432",
        "postgresql://db.example.com",
        "a.example,b.example",
        "db.example.com port=1",
        "db..example.com",
        "-db.example.com",
        "127.1",
        "2130706433",
        "fe80::1%eth0",
        "db\x00.example.com",
        "a" * 64 + ".example.com",
        ".".join(["a" * 60] * 5),
    ],
)
def test_anything_else_is_refused(typed):
    with pytest.raises(MalformedHost, match="Use a host name"):
        clean_host(typed)


def test_by_default_every_address_is_allowed(names):
    names["warehouse.example"] = ["127.0.0.1", "10.1.2.3"]
    assert permitted_addresses("warehouse.example") == ["127.0.0.1", "10.1.2.3"]
    assert permitted_addresses("169.254.169.254") == ["169.254.169.254"]


def test_D36_an_address_in_a_forbidden_range_is_refused_and_named(names, settings):
    settings.DESTINATION_FORBIDDEN_ADDRESSES = [ip_network("10.0.0.0/8"), ip_network("::1/128")]
    names["inside.example"] = ["10.1.2.3", "::1"]
    with pytest.raises(
        ForbiddenAddress, match=r"^inside\.example leads to 10\.1\.2\.3, ::1, which is in a range"
    ):
        permitted_addresses("inside.example")
    with pytest.raises(ForbiddenAddress, match=r"^10\.9\.9\.9 is in a range of addresses"):
        permitted_addresses("10.9.9.9")


@pytest.mark.parametrize("address", ["::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:a01:203::1"])
def test_D36_a_forbidden_address_in_IPv6_clothes_is_the_same_address(settings, address):
    settings.DESTINATION_FORBIDDEN_ADDRESSES = [ip_network("10.0.0.0/8")]
    with pytest.raises(ForbiddenAddress):
        permitted_addresses(address)


def test_D36_only_the_permitted_ones_of_several_addresses_are_connected_to(names, settings):
    settings.DESTINATION_FORBIDDEN_ADDRESSES = [ip_network("10.0.0.0/8")]
    names["mixed.example"] = ["10.1.2.3", "192.0.2.7"]
    assert permitted_addresses("mixed.example") == ["192.0.2.7"]


def test_D36_a_name_that_answers_differently_the_next_time_is_judged_again(names, settings):
    settings.DESTINATION_FORBIDDEN_ADDRESSES = [ip_network("127.0.0.0/8")]
    names["turning.example"] = ["192.0.2.7"]
    assert permitted_addresses("turning.example") == ["192.0.2.7"]
    names["turning.example"] = ["127.0.0.1"]
    with pytest.raises(ForbiddenAddress):
        permitted_addresses("turning.example")


def test_a_name_with_many_addresses_costs_a_bounded_number_of_tries(names):
    names["many.example"] = [str(ip_address("192.0.2.1") + n) for n in range(20)]
    assert permitted_addresses("many.example") == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


def test_an_unknown_name_and_a_silent_name_server_are_told_apart(names, monkeypatch):
    names["nowhere.example"] = []
    with pytest.raises(UnknownHost, match=r"^The host name nowhere\.example is not known\."):
        permitted_addresses("nowhere.example")
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **o: done.wait(30) and [])
    monkeypatch.setattr(destination_addresses, "LOOK_UP_SECONDS", 0.05)
    with pytest.raises(LookUpTimedOut, match="took longer than"):
        permitted_addresses("silent.example")
    done.set()
