"""A PostgreSQL warehouse reached over TCP, with or without TLS, and ways in which reaching one goes wrong.

The server that the wheel carries listens on a Unix socket and speaks no TLS: a forwarder stands before it.
"""

import secrets
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from psycopg import sql

from tests.postgresql import postgresql_server

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
HBA = "local all +needs_password scram-sha-256\nlocal all all trust\n"


@dataclass
class Warehouse:
    """A running server: `host` and `port` for clients, `url` for its superuser."""

    url: str
    port: int
    host: str = "127.0.0.1"
    socket_path: str = field(default="", repr=False)

    def run(self, statement: str | sql.Composed, *values, database: str = "postgres"):
        """Run a statement as the superuser; return its rows, if it has any."""
        with psycopg.connect(self.url, dbname=database, autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else None

    def make_database(self, *, may_create: bool = True) -> dict[str, object]:
        """Make an empty database and a role that must give a password; return how to enter it."""
        name, password = f"warehouse_{secrets.token_hex(4)}", secrets.token_urlsafe(16)
        who = sql.Identifier(name)
        self.run(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE needs_password").format(
                who, sql.Literal(password)
            )
        )
        self.run(sql.SQL("CREATE DATABASE {}").format(who))
        if may_create:
            self.run(sql.SQL("GRANT CREATE ON DATABASE {0} TO {0}").format(who))
        return {
            "host": self.host,
            "port": self.port,
            "database": name,
            "username": name,
            "password": password,
        }


@contextmanager
def warehouse_server() -> Iterator[Warehouse]:
    """Start a server of its own that asks members of `needs_password` for their password, behind a TCP port."""
    with postgresql_server() as url:
        folder = parse_qs(urlsplit(url).query)["host"][0]
        path = str(next(Path(folder).glob(".s.PGSQL.*[0-9]")))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE needs_password")
            hba = connection.execute("SHOW hba_file").fetchone()[0]
            Path(hba).write_text(HBA)
            connection.execute("SELECT pg_reload_conf()")
        with forwarder(path) as port:
            yield Warehouse(url, port, socket_path=path)


@contextmanager
def forwarder(path: str, *, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Forward a TCP port of the loopback interface to a Unix socket; with `tls`, clients speak TLS to it."""

    def serve(client: socket.socket) -> None:
        if tls is not None:
            if client.recv(8) != SSL_REQUEST:
                return
            client.sendall(b"S")
            client = tls.wrap_socket(client, server_side=True)  # takes the plain one's place
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(path)
            back = threading.Thread(target=pump, args=(server, client), daemon=True)
            back.start()
            pump(client, server)
            back.join()

    with listening(serve) as port:
        yield port


@contextmanager
def listening(serve) -> Iterator[int]:
    """Listen on a free port; call `serve` with each connection in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=answer, args=(client,), daemon=True).start()

        def answer(client: socket.socket) -> None:
            with suppress(OSError), client:
                serve(client)

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        accepting.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until the source ends, then end the sink."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@contextmanager
def silent_server() -> Iterator[int]:
    """Accept connections and never say a word."""
    done = threading.Event()
    with listening(lambda client: done.wait(60)) as port:
        yield port
        done.set()


def make_certificate(folder: Path, *, name: str) -> tuple[Path, Path]:
    """Make a self-signed certificate for a host name; return it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def tls_server(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what a server with this certificate speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
