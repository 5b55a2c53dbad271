"""A connection test is bounded, keeps its slot while it runs, and goes to the address that was judged (D36)."""

import socket
import time
from dataclasses import replace
from ipaddress import ip_network

import pytest

from integrations.services import destination_connections
from integrations.services.destination_addresses import ForbiddenAddress
from integrations.services.destination_connections import (
    Connection,
    Step,
    TooManyChecks,
    check_connection,
    engine_settings,
    passed,
)
from tests.warehouse import forwarder, make_certificate, silent_server, tls_server


@pytest.fixture(scope="module")
def connection(warehouse_server):
    made = warehouse_server.make_database()
    return Connection(**made, ssl=False)


@pytest.fixture
def names(monkeypatch):
    """Let names lead where the test says, and count how often one is asked for."""
    known, asked, real = {}, [], socket.getaddrinfo

    def look_up(host, *rest, **options):
        if host not in known:
            return real(host, *rest, **options)
        asked.append(host)
        return real(known[host], *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known, asked


def test_a_good_one_passes_from_the_look_up_to_the_schemas(connection):
    steps = check_connection(replace(connection, host="localhost"))
    assert passed(steps)
    assert [step.name for step in steps] == [
        "Look up the host",
        "Connect",
        "Version",
        "Encoding",
        "Writable",
        "Create schemas",
    ]


def test_D36_a_name_is_looked_up_once_and_the_address_found_is_the_one_connected_to(connection, names):
    """A second look-up, which could lead elsewhere, never happens: the name below leads nowhere for the engine."""
    known, asked = names
    known["warehouse.example"] = "127.0.0.1"
    steps = check_connection(replace(connection, host="warehouse.example"))
    assert passed(steps), steps
    assert steps[0].detail == "warehouse.example is 127.0.0.1."
    assert asked == ["warehouse.example"]


def test_D36_an_address_that_became_forbidden_is_refused_at_use(connection, names, settings):
    settings.DESTINATION_FORBIDDEN_ADDRESSES = [ip_network("127.0.0.0/8")]
    known, _ = names
    known["turning.example"] = "192.0.2.7"
    there = replace(connection, host="turning.example")
    assert engine_settings(there).addresses == ("192.0.2.7",)
    known["turning.example"] = "127.0.0.1"
    with pytest.raises(ForbiddenAddress):
        engine_settings(there)
    steps = check_connection(there)
    assert (len(steps), steps[0].ok) == (1, False)
    assert "turning.example leads to 127.0.0.1, which is in a range" in steps[0].detail


def test_a_server_that_never_answers_costs_a_bounded_time_and_its_slot_until_it_ends(connection, monkeypatch):
    monkeypatch.setattr(destination_connections, "CHECK_SECONDS", 0.2)
    with silent_server() as port:
        silent = replace(connection, port=port)
        for _ in range(destination_connections.CHECKS_AT_ONCE):
            assert check_connection(silent)[-1] == Step(
                "Connect", False, "Connection timed out. The test was not finished after 0.2 seconds."
            )
        with pytest.raises(TooManyChecks):
            check_connection(silent)
    give_up = time.monotonic() + 20
    while True:  # the engine's own time limit ends them, and with them their slots are free again
        try:
            monkeypatch.setattr(destination_connections, "CHECK_SECONDS", 10.0)
            assert passed(check_connection(connection))
            break
        except TooManyChecks:
            assert time.monotonic() < give_up
            time.sleep(0.05)


def test_many_addresses_share_the_time_there_is_to_connect(connection, monkeypatch):
    for addresses in (["192.0.2.1"], ["192.0.2.1", "192.0.2.2"], ["192.0.2.1", "192.0.2.2", "192.0.2.3"]):
        monkeypatch.setattr(
            destination_connections, "permitted_addresses", lambda host, found=addresses: found
        )
        settings = engine_settings(connection)
        assert settings.connect_seconds >= 2  # libpq takes no less
        assert settings.connect_seconds * len(addresses) <= 6


def test_a_surprise_is_told_without_its_inner_workings(connection, monkeypatch):
    def surprise(connection):
        raise ZeroDivisionError(connection.password)

    monkeypatch.setattr(destination_connections, "steps_of", surprise)
    assert check_connection(connection) == [
        Step(
            "Connect",
            False,
            "We encountered an internal error while checking the connection: ZeroDivisionError.",
        )
    ]


def test_a_server_that_repeats_the_password_does_not_get_it_shown(connection, monkeypatch):
    def repeat(connection):
        return [Step("Connect", False, f"FATAL: wrong password {connection.password}")]

    monkeypatch.setattr(destination_connections, "steps_of", repeat)
    assert check_connection(connection) == [Step("Connect", False, "FATAL: wrong password …")]


def test_a_certificate_is_verified_from_the_text_that_was_stored(
    connection, warehouse_server, names, tmp_path, settings
):
    settings.DATA_DIR = tmp_path
    known, _ = names
    known["warehouse.example"] = "127.0.0.1"
    certificate, key = make_certificate(tmp_path, name="warehouse.example")
    with forwarder(warehouse_server.socket_path, tls=tls_server(certificate, key)) as port:
        secure = replace(
            connection,
            host="warehouse.example",
            port=port,
            ssl=True,
            ssl_root_certificate=certificate.read_text(),
        )
        assert passed(check_connection(secure))
        assert passed(check_connection(replace(secure, ssl_root_certificate="")))
        other, _ = make_certificate(tmp_path, name="other.example")
        refused = check_connection(replace(secure, ssl_root_certificate=other.read_text()))
    assert "is not signed by the CA certificate given" in refused[-1].detail
    assert len(list((tmp_path / "certificates").iterdir())) == 2


def test_what_it_says_of_itself_holds_no_password(connection):
    assert connection.password not in repr(connection)
    assert connection.password not in repr(engine_settings(connection))
