"""Testing a PostgreSQL server before anything is loaded into it: every way it can go wrong has its own words."""

import secrets
from dataclasses import replace

import psycopg
import pytest

from integrations.loading.destinations import postgresql_connection, postgresql_errors
from integrations.loading.destinations.postgresql_connection import PostgreSQLSettings, check, connected
from tests.warehouse import forwarder, listening, make_certificate, silent_server, tls_server

GOOD = ["Connect", "Version", "Encoding", "Writable", "Create schemas"]


@pytest.fixture(scope="module")
def entered(warehouse_server):
    """A database and how it is entered."""
    return settings_for(warehouse_server.make_database())


def settings_for(made, **changes):
    return PostgreSQLSettings(
        **{
            "host": made["host"],
            "port": made["port"],
            "database": made["database"],
            "user": made["username"],
            "password": made["password"],
            "ssl_mode": "disable",
        }
        | changes
    )


def fault(settings) -> tuple[str, str]:
    """Return the step that fails, and its words; those before it went well."""
    *before, last = check(settings)
    assert all(step.ok for step in before)
    assert not last.ok
    return last.name, last.detail


def test_a_good_server_passes_every_step_and_nothing_is_left_behind(entered, warehouse_server):
    def relations():
        return warehouse_server.run(
            "SELECT count(*) FROM pg_namespace UNION ALL SELECT count(*) FROM pg_class",
            database=entered.database,
        )

    before = relations()
    steps = check(entered)
    assert [step.name for step in steps] == GOOD
    assert all(step.ok for step in steps)
    assert steps[0].detail == (
        f"Connected to {entered.database} on 127.0.0.1, port {entered.port}, as {entered.user}, without SSL."
    )
    assert relations() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"password": "wrong"},
            'FATAL: password authentication failed for user "{user}". Check the username and the password.',
        ),
        ({"password": ""}, "fe_sendauth: no password supplied. The server asks for a password: type it."),
        (
            {"user": "nobody at all"},
            'FATAL: role "nobody at all" does not exist. Check the spelling; names distinguish upper and lower case.',
        ),
        (
            {"database": "Nothing"},
            'FATAL: database "Nothing" does not exist. Check the spelling; names distinguish upper and lower case.',
        ),
        (
            {"ssl_mode": "require"},
            "server does not support SSL, but SSL was required. The server offers no SSL: switch it on there, or "
            "clear “Connect using SSL” if the way to it is safe.",
        ),
        ({"port": 1}, postgresql_connection.REFUSED),
        (
            {"host": "localhost", "port": 1, "addresses": ("127.0.0.1", "127.0.0.2")},
            postgresql_connection.REFUSED,
        ),
    ],
)
def test_what_keeps_it_from_connecting_is_told(entered, changes, words):
    assert fault(replace(entered, **changes)) == ("Connect", words.format(user=entered.user))


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"password": "wrong"}, "28P01"),
        ({"password": ""}, "28P01"),
        ({"user": "nobody at all"}, "28000"),
        ({"database": "Nothing"}, "3D000"),
        ({"ssl_mode": "require"}, "08001"),
        ({"port": 1}, "08001"),
    ],
)
def test_a_connection_that_was_not_made_has_its_sql_state(entered, changes, state):
    with (
        pytest.raises(psycopg.OperationalError) as caught,
        connected(replace(entered, **changes), statement_seconds=5),
    ):
        pass
    told = postgresql_errors.explain(caught.value)
    assert (told.scope, told.sql_state, told.engine_error) == (
        "destination",
        state,
        "psycopg.OperationalError",
    )


def test_a_silent_server_times_out(entered):
    with silent_server() as port:
        assert fault(replace(entered, port=port, connect_seconds=1)) == (
            "Connect",
            "Connection timed out. Check the host, the port, and that firewalls on the way let this server through.",
        )


def test_a_server_of_another_kind_is_told(entered):
    def answer(client):
        client.recv(100)
        client.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

    with listening(answer) as port:
        _, words = fault(replace(entered, port=port, ssl_mode="require"))
    assert words.endswith("What answers there is not a PostgreSQL server: check the port.")


def test_without_the_right_to_create_it_says_what_to_run(warehouse_server):
    made = warehouse_server.make_database(may_create=False)
    assert fault(settings_for(made)) == (
        "Create schemas",
        "Encountered error while attempting to create new schema. permission denied for database "
        f"{made['database']}. Let the database's owner run: "
        f'GRANT CREATE ON DATABASE "{made["database"]}" TO "{made["username"]}";',
    )


def test_without_the_right_to_temporary_tables_it_says_what_to_run(warehouse_server):
    made = warehouse_server.make_database()
    warehouse_server.run(f"REVOKE TEMPORARY ON DATABASE {made['database']} FROM PUBLIC")
    assert f'GRANT TEMPORARY ON DATABASE "{made["database"]}"' in fault(settings_for(made))[1]


def test_a_role_that_may_not_log_in_or_write_is_told(warehouse_server):
    made = warehouse_server.make_database()
    warehouse_server.run(f"ALTER ROLE {made['username']} SET default_transaction_read_only = on")
    assert fault(settings_for(made))[0] == "Writable"
    warehouse_server.run(f"ALTER ROLE {made['username']} NOLOGIN")
    assert "Give the role the LOGIN right" in fault(settings_for(made))[1]


def test_a_database_of_another_encoding_is_refused(warehouse_server):
    made = warehouse_server.make_database()
    warehouse_server.run(f"DROP DATABASE {made['database']}")
    warehouse_server.run(
        f"CREATE DATABASE {made['database']} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    )
    assert fault(settings_for(made)) == (
        "Encoding",
        "The database's encoding is LATIN1, which cannot hold every text. Make one with ENCODING 'UTF8'.",
    )


def test_a_server_that_is_too_old_is_refused(entered, monkeypatch):
    monkeypatch.setattr(postgresql_connection, "MINIMUM_VERSION", 990_000)
    name, words = fault(entered)
    assert name == "Version"
    assert words.endswith("; 9.3 or later is needed.")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), name="warehouse.example")


def test_with_SSL_the_name_is_the_certificates_and_the_address_is_the_given_one(
    entered, warehouse_server, certificate
):
    """`warehouse.example` leads nowhere: only the address is connected to, only the name is compared."""
    with forwarder(warehouse_server.socket_path, tls=tls_server(*certificate)) as port:
        secure = replace(
            entered,
            host="warehouse.example",
            port=port,
            addresses=("127.0.0.1",),
            ssl_mode="verify-full",
            ssl_root_certificate=certificate[0],
        )
        steps = check(secure)
        assert [step.name for step in steps if step.ok] == GOOD
        assert steps[0].detail.endswith("with SSL.")
        assert check(replace(secure, ssl_mode="require", ssl_root_certificate=None))[-1].ok
        assert (
            "The certificate belongs to another host name" in fault(replace(secure, host="other.example"))[1]
        )


def test_with_SSL_a_certificate_of_somebody_else_is_refused(entered, warehouse_server, certificate, tmp_path):
    other, _ = make_certificate(tmp_path, name="warehouse.example")
    with forwarder(warehouse_server.socket_path, tls=tls_server(*certificate)) as port:
        secure = replace(
            entered,
            host="warehouse.example",
            port=port,
            addresses=("127.0.0.1",),
            ssl_mode="verify-full",
            ssl_root_certificate=other,
        )
        assert "is not signed by the CA certificate given" in fault(secure)[1]


def test_sessions_are_in_UTC_and_statements_are_bounded(entered):
    with connected(entered, statement_seconds=0.2) as connection:
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        with pytest.raises(psycopg.errors.QueryCanceled) as caught:
            connection.execute("SELECT pg_sleep(30)")
    assert "The server took too long" in postgresql_connection.explain(caught.value)


def test_nothing_of_this_machine_is_used_and_no_password_is_shown(entered, monkeypatch, tmp_path):
    monkeypatch.setenv("PGPASSWORD", secrets.token_urlsafe())
    (tmp_path / ".pgpass").write_text(f"*:*:*:*:{entered.password}\n")
    (tmp_path / ".pgpass").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGPASSWORD")
    assert "no password supplied" in fault(replace(entered, password=""))[1]
    assert entered.password not in repr(entered)
