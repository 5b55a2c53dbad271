"""Connections that are in use stay with their thread, and take none from anybody else."""

import http.client
import os
import signal
import socket
import threading

import pytest

from tests.queue.processes import GUNICORN, Product

pytestmark = [pytest.mark.live, pytest.mark.either_database]
STATUS = b"GET /v2/import/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def narrow(product):
    """Give the web server once more, with a single thread for all its connections."""
    narrow = Product(product.data_dir, product.environment.get("DATABASE_URL"), product.access)
    narrow.environment |= {"WEB_WORKERS": "1", "WEB_THREADS": "1"}
    narrow.start("web", GUNICORN)
    try:
        narrow.wait_until_ready()
        yield narrow
    finally:
        narrow.end()


def asked(connection):
    """Ask for the status; return the answer's status, and whether the connection stays."""
    connection.request("GET", "/v2/import/status")
    response = connection.getresponse()
    response.read()
    return response.status, not response.will_close


@pytest.fixture
def connection(narrow):
    connection = http.client.HTTPConnection("127.0.0.1", narrow.port, timeout=30)
    yield connection
    connection.close()


def test_requests_in_a_row_are_all_answered_sent_at_once_too(narrow):
    with socket.create_connection(("127.0.0.1", narrow.port), timeout=30) as connection:
        for sent in (STATUS * 3, STATUS):
            connection.sendall(sent)
            answers = b""
            while answers.count(b'"status":"OK"') < len(sent) // len(STATUS):
                piece = connection.recv(65536)
                assert piece, answers
                answers += piece


def test_a_busy_connection_leaves_the_only_thread_to_others(narrow):
    done, statuses = threading.Event(), set()

    def keep_busy():
        busy = http.client.HTTPConnection("127.0.0.1", narrow.port, timeout=30)
        while not done.is_set():
            statuses.add(asked(busy))
        busy.close()

    threads = [threading.Thread(target=keep_busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            other = http.client.HTTPConnection("127.0.0.1", narrow.port, timeout=30)
            assert asked(other) == (200, True)
            other.close()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert statuses == {(200, True)}


def test_O2_a_worker_that_is_told_to_end_ends_a_busy_connection_in_order(narrow, connection):
    assert asked(connection) == (200, True)
    os.kill(narrow.processes["web"].pid, signal.SIGTERM)
    stays = True
    while stays:
        status, stays = asked(connection)
        assert status == 200
    connection.close()
    assert narrow.processes["web"].wait(30) == 0
