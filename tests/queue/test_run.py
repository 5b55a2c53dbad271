"""`manage.py run` and the loader command as people and service managers use them (promises O1, O2)."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
from pathlib import Path

import pytest

from tests.queue.processes import GUNICORN, LOADER

pytestmark = pytest.mark.live
RUN = [sys.executable, "manage.py", "run"]


def batch(*, rows):
    return {
        "table_name": "bikes",
        "schema": {"properties": {"id": {"type": "integer"}}},
        "key_names": ["id"],
        "messages": [{"action": "upsert", "sequence": 1, "data": {"id": number}} for number in range(rows)],
    }


def post(port, secret, *, rows=1, timeout=30):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(
            "POST",
            "/v2/import/batch",
            json.dumps(batch(rows=rows)),
            {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"},
        )
        response = connection.getresponse()
        return response.status, dict(response.headers), response.read()
    finally:
        connection.close()


def request_in_hand(port, secret) -> tuple[socket.socket, bytes]:
    """Send a request's head until the server has asked for its body; return the connection, and the body."""
    body = json.dumps(batch(rows=10_000)).encode()
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    head = f"""\
POST /v2/import/batch HTTP/1.1
Host: 127.0.0.1:{port}
Authorization: Bearer {secret}
Content-Type: application/json
Content-Length: {len(body)}
Expect: 100-continue

"""
    connection.sendall(head.replace("\n", "\r\n").encode())
    asked = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert connection.recv(len(asked), socket.MSG_WAITALL) == asked
    return connection, body


def finish(connection: socket.socket, body: bytes) -> bytes:
    """Send a request's body; return the answer, after which the server closes the connection."""
    with connection, connection.makefile("rb") as answer:
        connection.sendall(body)
        return answer.read()


def wait_for(condition, seconds=60):
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.2)


def is_ready(product) -> bool:
    try:
        product.ready()
    except urllib.error.HTTPError as error:
        error.close()
        return False
    return True


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(grand for child in children for grand in descendants(int(child)))]


def programs(pid: int) -> dict[int, str]:
    """Return a supervisor's programs with the names that `ps` shows."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(child): Path(f"/proc/{child}/cmdline").read_text().strip("\0") for child in children}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_O2_run_serves_loads_and_ends_with_all_its_processes(product, number):
    product.start("run", RUN)
    product.wait_until_ready()
    assert post(product.port, product.access["secret"])[0] == 201
    wait_for(lambda: product.waiting() == 0)
    supervisor = product.processes["run"]
    everything = descendants(supervisor.pid)
    assert len(everything) == 6  # supervisor, web server with two workers, loader, worker
    assert list(programs(supervisor.pid).values()) == [
        "gunicorn: master [stitchapp.wsgi]",
        "manage.py load_batches",
        "manage.py run_jobs",
    ]

    supervisor.send_signal(number)

    assert supervisor.wait(30) == 0
    assert not [pid for pid in everything if Path(f"/proc/{pid}").exists()]
    assert f"runs at http://127.0.0.1:{product.port}" in (product.data_dir / "log").read_text()


def test_O1_idle_processes_together_stay_below_250_megabytes(product):
    product.start("run", RUN)
    product.wait_until_ready()
    for _ in range(20):
        assert post(product.port, product.access["secret"], rows=100)[0] == 201
    wait_for(lambda: product.waiting() == 0)

    assert proportional_memory(product.processes["run"].pid) < 250 * 1024


def proportional_memory(pid: int) -> int:
    """Add up what a program and all its children take, in kB; shared pages count once."""
    total = 0
    for process in descendants(pid):
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total


@pytest.mark.either_database
@pytest.mark.parametrize("victim", ["web server", "loader"])
def test_when_one_program_dies_the_other_is_ended_and_the_code_tells(product, victim):
    product.start("run", RUN)
    product.wait_until_ready()
    supervisor = product.processes["run"]
    everything = descendants(supervisor.pid)
    word = "gunicorn" if victim == "web server" else "load_batches"
    [pid] = [pid for pid, name in programs(supervisor.pid).items() if word in name]

    os.kill(pid, signal.SIGKILL)

    assert supervisor.wait(30) == 1
    wait_for(lambda: not [pid for pid in everything if Path(f"/proc/{pid}").exists()], seconds=10)
    assert f"The {victim} ended with code -9; ending the rest." in (product.data_dir / "log").read_text()


@pytest.mark.either_database
def test_no_program_outlives_a_killed_supervisor(product):
    product.start("run", RUN)
    product.wait_until_ready()
    everything = descendants(product.processes["run"].pid)

    os.kill(everything[0], signal.SIGKILL)
    product.processes["run"].wait()

    wait_for(lambda: not [pid for pid in everything if Path(f"/proc/{pid}").exists()], seconds=30)


@pytest.mark.either_database
def test_a_taken_port_is_said_plainly(product):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", product.port))
        taken.listen()

        run = subprocess.run(
            RUN, env=product.environment, capture_output=True, text=True, timeout=60, check=False
        )

        assert run.returncode == 1
        assert f"Cannot listen on 127.0.0.1:{product.port}: Address already in use." in run.stderr
        assert "PORT=8001 make run" in run.stderr


def test_O2_a_request_in_hand_is_finished_before_the_web_server_ends(product):
    product.start("web", GUNICORN)
    product.wait_until_ready()
    senders = [request_in_hand(product.port, product.access["secret"]) for _ in range(4)]
    product.processes["web"].terminate()
    time.sleep(0.2)
    answers = [finish(connection, body) for connection, body in senders]
    assert product.processes["web"].wait(30) == 0

    assert [answer.split(b" ", 2)[1] for answer in answers] == [b"201"] * 4
    logged = "from integrations.models import ReceivedRequest; print(ReceivedRequest.objects.count())"
    assert product.ask(logged).strip() == "4"
    product.manage("load_batches", "--once")
    assert product.waiting() == 0


def test_O2_the_loader_ends_after_the_load_in_hand(product):
    product.start("web", GUNICORN)
    product.wait_until_ready()
    for _ in range(3):
        assert post(product.port, product.access["secret"], rows=10_000)[0] == 201
    product.start("loader", LOADER)
    wait_for(lambda: any((product.data_dir / "warehouse").glob("*.duckdb*")))
    product.processes["loader"].terminate()

    assert product.processes["loader"].wait(30) == 0
    assert product.waiting() == 0  # a loader that was cut off would have left its load waiting


def test_I8_a_client_that_waits_as_told_gets_everything_through_a_small_queue(product):
    product.environment["QUEUE_MAX_BYTES"] = "60000"
    product.start("web", GUNICORN)
    product.wait_until_ready()
    refused = accepted = 0
    while refused == 0:
        status, headers, _ = post(product.port, product.access["secret"], rows=50)
        accepted += status == 201
        refused += status == 503
    assert 1 <= int(headers["Retry-After"]) <= 60
    wait_for(lambda: not is_ready(product))  # each worker looks at the disk twice a second

    product.start("loader", LOADER)
    for _ in range(10):
        status, headers, _ = post(product.port, product.access["secret"], rows=50)
        while status == 503:
            time.sleep(1)
            status, headers, _ = post(product.port, product.access["secret"], rows=50)
        assert status == 201
    wait_for(lambda: product.waiting() == 0)
    product.manage("check_books")
