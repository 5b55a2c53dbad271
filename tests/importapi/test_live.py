"""A real gunicorn on a real socket: what clients do to bodies and connections (I6, I7; import-api.md 8.3)."""

import http.client
import json
import socket
import threading
import zlib
from pathlib import Path

import pytest

from tests.queue.processes import GUNICORN

pytestmark = [pytest.mark.live, pytest.mark.either_database]
LIMIT = 20 * 1024 * 1024


def body_of(size: int = 0) -> bytes:
    """A valid batch, padded to `size` bytes."""
    body = json.dumps(
        {
            "table_name": "boats",
            "schema": {"properties": {"id": {"type": "integer"}, "name": {"type": "string"}}},
            "messages": [{"action": "upsert", "sequence": 1, "data": {"id": 1, "name": "Ann ü"}}],
            "key_names": ["id"],
        },
        ensure_ascii=False,
    ).encode()
    return body + b" " * (size - len(body))


@pytest.fixture
def post(product):
    """Send a body through an ordinary client; return status, answer and content type."""

    def post(body, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
        fields = {
            "Authorization": f"Bearer {product.access['secret']}",
            "Content-Type": "application/json",
        } | headers
        connection.request("POST", "/v2/import/batch", body, fields)
        response = connection.getresponse()
        answer = response.status, response.read(), response.headers["Content-Type"]
        connection.close()
        return answer

    return post


@pytest.fixture
def raw(product):
    """Send bytes as they are after ordinary headers, end the sending side, and return all that comes back."""

    def raw(headers, body=b""):
        head = [
            b"POST /v2/import/batch HTTP/1.1",
            b"Host: localhost",
            b"Authorization: Bearer " + product.access["secret"].encode(),
            b"Content-Type: application/json",
            b"Connection: close",
            *headers,
        ]
        with socket.create_connection(("127.0.0.1", product.port), timeout=60) as connection:
            connection.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while piece := connection.recv(65536):
                received += piece
        return received

    return raw


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))


ACCEPTED = b'{"status":"OK","message":"Batch Accepted!"}'
MALFORMED = b'{"error":"Malformed json in the body!"}'


@pytest.mark.parametrize("size", [0, 2_600_000, 19_000_000, LIMIT])
def test_I6_a_body_up_to_the_limit_is_taken(post, size):
    assert post(body_of(size)) == (201, ACCEPTED, "application/json;charset=UTF-8")


def test_I6_one_byte_over_the_limit_gets_the_documented_answer(post):
    status, answer, content_type = post(body_of(LIMIT + 1))
    assert (status, content_type) == (413, "application/json;charset=UTF-8")
    assert (
        answer
        == b'{"status":"ERROR","message":"Request rejected: request size (20971521 bytes) exceeds the maximum"}'
    )


def test_I6_a_chunked_body_is_taken(raw):
    body = body_of()
    received = raw([b"Transfer-Encoding: chunked"], chunked(body[:7], body[7:50], body[50:]))
    assert received.startswith(b"HTTP/1.1 201 ")
    assert received.endswith(ACCEPTED)


def test_I6_a_chunked_body_obeys_the_same_limit(raw):
    received = raw([b"Transfer-Encoding: chunked"], chunked(*[b" " * (1024 * 1024)] * 21))
    assert received.startswith(b"HTTP/1.1 413 ")
    assert received.endswith(b'request size (22020096 bytes) exceeds the maximum"}')


def test_I6_a_chunked_body_that_breaks_off_stores_nothing(raw):
    body = body_of()
    received = raw([b"Transfer-Encoding: chunked"], b"%x\r\n%s\r\n" % (len(body), body))
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.endswith(MALFORMED)


def test_I6_a_content_length_beyond_the_body_stores_nothing(raw):
    body = body_of()
    received = raw([b"Content-Length: %d" % (len(body) + 10)], body)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.endswith(MALFORMED)


def test_I6_a_content_length_short_of_the_body_cuts_it(raw):
    body = body_of()
    received = raw([b"Content-Length: %d" % (len(body) - 10)], body)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert MALFORMED in received


def test_I6_a_huge_content_length_is_refused_before_the_body_comes(raw):
    received = raw([b"Content-Length: 100000000000"], b"{}")
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"(100000000000 bytes)" in received


def test_expect_100_continue_is_honoured(product):
    body = body_of()
    with socket.create_connection(("127.0.0.1", product.port), timeout=30) as connection:
        connection.sendall(
            b"POST /v2/import/batch HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n"
            % (product.access["secret"].encode(), len(body))
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert received.startswith(b"HTTP/1.1 201 ")


def test_a_refused_client_that_is_still_writing_reads_its_answer(post):
    """The whole body is sent before the client looks for an answer; a reset connection would hide it."""
    for _ in range(3):
        assert post(body_of(19_000_000), Authorization="Bearer x")[:2] == (
            401,
            b'{"message":"Not Authorized"}',
        )


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("post", "/v2/import/batch", [b"Content-Length: 2"], 400),
        ("POST", "/v2/import/batch", [b"Content-Length: -1"], 400),
        ("POST", "/v2/import/batch", [b"Content-Length: 2", b"Content-Length: 3"], 400),
        ("POST", "/v2/import/batch", [b"Content-Length: 2", b"Transfer-Encoding: chunked"], 400),
        ("POST", "/v2/import/batch", [b"Transfer-Encoding: chunked, chunked"], 400),
        ("POST", "/v2/import/batch", [b"Content-Length: 2", b"X-Odd: a\0b"], 400),
        ("POST", "/v2/import/batch", [b"Content-Length: 2", b"X-Long: " + b"a" * 70_000], 431),
        ("POST", "/v2/import/" + "a" * 9000, [b"Content-Length: 2"], 414),
        ("POST", "/v2/import/batch", [b"Content-Length: 2", b"Expect: 200-ok"], 417),
        ("POST", "//v2/import/batch", [b"Content-Length: 2"], 404),
        ("POST", "/v2//import/batch", [b"Content-Length: 2"], 404),
    ],
)
def test_what_reaches_no_endpoint_is_answered_in_JSON_too(product, method, path, headers, status):
    """import-api.md 10, 12: never HTML, and never without a word about what is wrong."""
    head = [f"{method} {path} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", *headers]
    with socket.create_connection(("127.0.0.1", product.port), timeout=60) as connection:
        connection.sendall(b"\r\n".join(head) + b"\r\n\r\n{}")
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert (response.status, response.headers["Content-Type"]) == (
            status,
            "application/json;charset=UTF-8",
        )
        assert response.headers["X-Request-Id"]
        assert list(json.loads(response.read())) == ["message"]


def test_a_connection_is_kept_for_the_next_request(product):
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)
    headers = {"Authorization": f"Bearer {product.access['secret']}", "Content-Type": "application/json"}
    for body, status in ((body_of(), 201), (b"{", 400), (body_of(), 201)):
        connection.request("POST", "/v2/import/batch", body, headers)
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


def memory_of(product):
    """Bytes that the web server's processes hold together, shared pages counted once."""
    total = 0
    for pid in (product.processes["web"].pid, *product.workers()):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(rollup.split("Pss:")[1].split()[0]) * 1024
    return total


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is measured on Linux only")
def test_I7_fifty_bodies_of_20_megabytes_at_once_stay_within_memory(product_of_its_own):
    """Half go the fast way and half the exact one; a small queue, which is asked last, spares the disk."""
    product = product_of_its_own
    product.environment["QUEUE_MAX_BYTES"] = "200000000"
    product.start("web", GUNICORN)
    product.wait_until_ready()
    types = {"id": "integer", "name": "string", "at": "string", "n": "number"}
    record = {"id": 1, "name": "x" * 880, "at": "2024-01-01T00:00:00Z", "n": 1.5}
    message = {"action": "upsert", "sequence": 1, "data": record}
    bodies = []
    for more in ({}, {"other": {"type": ["string", "integer"]}}):
        schema = {"properties": {name: {"type": kind} for name, kind in types.items()} | more}
        request = {
            "table_name": "large",
            "schema": schema,
            "key_names": ["id"],
            "messages": [message] * 20_000,
        }
        bodies.append(json.dumps(request, separators=(",", ":")).encode())
        assert 19_000_000 < len(bodies[-1]) < LIMIT
    answers, finished, peak = [], threading.Event(), 0

    def send(body):
        connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=300)
        headers = {"Authorization": f"Bearer {product.access['secret']}", "Content-Type": "application/json"}
        connection.request("POST", "/v2/import/batch", body, headers)
        response = connection.getresponse()
        answers.append((response.status, response.headers["X-Error-Code"]))
        connection.close()

    def wait():
        for client in clients:
            client.join()
        finished.set()

    clients = [threading.Thread(target=send, args=[bodies[number % 2]]) for number in range(50)]
    for thread in (*clients, threading.Thread(target=wait)):
        thread.start()
    while not finished.wait(0.1):
        peak = max(peak, memory_of(product))
    assert len(answers) == 50
    assert set(answers) <= {(201, None), (503, "busy"), (503, "queue_full")}
    assert answers.count((201, None)) >= 5
    assert peak <= 512 * 1024**2


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is measured on Linux only")
def test_I7_a_gzip_bomb_of_20_gigabytes_is_refused_and_never_unpacked(product, post):
    deflater = zlib.compressobj(9, wbits=-15)
    piece = deflater.compress(b" " * 16 * 1024**2) + deflater.flush(zlib.Z_FULL_FLUSH)  # may follow itself
    bomb = (b"\x1f\x8b\x08" + bytes(7) + piece * 1280)[:LIMIT]
    assert post(body_of())[0] == 201
    before, answers = memory_of(product), []
    sender = threading.Thread(target=lambda: answers.append(post(bomb, **{"Content-Encoding": "gzip"})))
    sender.start()
    peak = before
    while sender.is_alive():
        peak = max(peak, memory_of(product))
        sender.join(0.01)
    [(status, answer, _)] = answers
    assert (status, b"exceeds the maximum" in answer) == (413, True)
    assert peak <= before + 64 * 1024**2


def test_I7_gzip_that_inflates_to_nothing_has_an_end(raw):
    """Empty blocks: bytes come for ever, and none comes out of them."""
    deflater = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    start = deflater.compress(body_of()) + deflater.flush(zlib.Z_FULL_FLUSH)
    empty = b"\x00\x00\x00\xff\xff" * 13_000  # stored blocks without a byte
    body = chunked(start, *[empty] * (LIMIT // len(empty) + 1), deflater.flush())
    answer = raw([b"Transfer-Encoding: chunked", b"Content-Encoding: gzip"], body)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nx-error-limit: 20971520\r\n" in answer.lower()


GENERATE = """
from integrations.models import AccessToken, Integration
from integrations.services.access_tokens import create_access_token
integration = Integration.objects.get()
print(create_access_token(integration=integration, actor=integration.created_by)[1])
"""
REVOKE = """
from integrations.models import AccessToken
from integrations.services.access_tokens import revoke_access_token
token = AccessToken.objects.latest("pk")
revoke_access_token(token=token, actor=token.created_by)
"""


def test_P7_after_a_revocation_no_worker_takes_the_token(product, post):
    """Every request opens a connection of its own, so that both workers get their share."""
    bearer = f"Bearer {product.manage('shell', '-v0', '-c', GENERATE).strip()}"
    assert {post(body_of(), Authorization=bearer)[0] for _ in range(20)} == {201}
    product.ask(REVOKE)
    assert {post(body_of(), Authorization=bearer)[0] for _ in range(200)} == {401}
    assert post(body_of())[0] == 201
