"""Send prepared batches over several connections, from a process of its own: see `Sending`.

A thread for each connection, HTTP/1.1 on bare sockets: the sender must cost little beside the server it
measures, and imports nothing of the product.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass

from tests.bench.records import batch_bodies
from tests.server import ROOT

DISTINCT_BYTES = 32 * 1024**2  # of bodies; they are sent again and again


@dataclass(frozen=True, slots=True)
class Sending:
    """What to send: for so many seconds, batches of a size, over connections; `pace` is in records a second."""

    port: int
    token: str
    batch_size: int
    connections: int
    seconds: float
    pace: int = 0  # 0: as fast as the answers come
    warm_up: float = 1.0
    records: int = 0  # so many, each once, however long it takes; 0: some, again and again
    tables: int = 1
    seed: int = 1
    first_id: int = 0
    stored: tuple[int, int, int] | None = None  # the range of the ids of rows that are there
    between: bool = False  # whether new ids lie between those, and not behind them


@dataclass(frozen=True, slots=True)
class Sent:
    """What was answered with 201 after the warm-up, when it began and ended, and how long each answer took."""

    batches: int
    records: int
    bytes: int
    began: float  # of time.monotonic, which all processes of a machine share
    ended: float
    seconds_each: list[float]


def send(sending: Sending) -> Sent:
    """Send from a process of its own; raise when any answer was not 201."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.sender"],
        input=json.dumps(asdict(sending)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return Sent(**json.loads(done.stdout))


def requests_of(sending: Sending) -> list[bytes]:
    """Return whole requests, head and body."""
    head = (
        "POST /v2/import/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n"
        f"Authorization: Bearer {sending.token}\r\nContent-Type: application/json\r\nContent-Length: "
    ).encode()
    count = max(8, min(2000, DISTINCT_BYTES // (380 * sending.batch_size)))
    bodies = batch_bodies(
        sending.records // sending.batch_size or count,
        sending.batch_size,
        tables=sending.tables,
        seed=sending.seed,
        first_id=sending.first_id,
        stored=range(*sending.stored) if sending.stored else None,
        between=sending.between,
    )
    return [head + str(len(body)).encode() + b"\r\n\r\n" + body for body in bodies]


class Connection:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, request: bytes) -> None:
        """Send a request and read its answer; raise unless it is 201."""
        self.socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._receive()
        if not head.startswith(b"HTTP/1.1 201 "):
            raise RuntimeError(f"Not accepted: {head!r} {body!r}")

    def _receive(self) -> bytes:
        piece = self.socket.recv(65536)
        if not piece:
            raise RuntimeError("The server closed the connection")
        return piece


class Turns:
    """Which request is sent next and when it is due; shared by the connections."""

    def __init__(self, sending: Sending) -> None:
        self.interval = sending.batch_size / sending.pace if sending.pace else 0.0
        self.most = sending.records // sending.batch_size
        self.begun = time.monotonic()
        self.counted_from = self.begun + (0 if self.most else sending.warm_up)
        self.over = float("inf") if self.most else self.counted_from + sending.seconds
        self.taken = 0
        self.lock = threading.Lock()
        self.seconds_each: list[float] = []
        self.errors: list[BaseException] = []

    def take(self) -> tuple[int, float] | None:
        """Return the number of the next request and when it is due; None when time is up."""
        with self.lock:
            number = self.taken
            self.taken += 1
        due = self.begun + number * self.interval if self.interval else time.monotonic()
        ended = number >= self.most > 0 or due >= self.over or bool(self.errors)
        return None if ended else (number, due)

    def run(self, requests: list[bytes], connection: Connection) -> None:
        """Send turn after turn; a paced one counts from when it was due, however late it left."""
        try:
            while (turn := self.take()) is not None:
                number, due = turn
                wait = due - time.monotonic()
                if wait > 0:
                    time.sleep(wait)
                connection.exchange(requests[number % len(requests)])
                now = time.monotonic()
                if due >= self.counted_from and now <= self.over:
                    self.seconds_each.append(now - due)
        except Exception as error:  # noqa: BLE001 - told where the threads are joined
            self.errors.append(error)


def main() -> None:
    """Read what to send from stdin, send it, and print what came of it."""
    sending = Sending(**json.load(sys.stdin))
    requests = requests_of(sending)
    connections = [Connection(sending.port) for _ in range(sending.connections)]
    turns = Turns(sending)
    threads = [threading.Thread(target=turns.run, args=(requests, each)) for each in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if turns.errors:
        raise turns.errors[0]
    batches = len(turns.seconds_each)
    size = sum(map(len, requests)) // len(requests)
    sent = Sent(
        batches,
        batches * sending.batch_size,
        batches * size,
        turns.counted_from,
        min(turns.over, time.monotonic()),
        turns.seconds_each,
    )
    json.dump(asdict(sent), sys.stdout)


if __name__ == "__main__":
    main()
