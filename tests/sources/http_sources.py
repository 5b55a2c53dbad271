"""Local stand-ins of HTTP APIs that taps read: GitHub's, and one of no particular product."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

USER = {"login": "ann", "id": 7}
REPOSITORY = "/repos/acme/shop"
ISSUES = [
    {
        "id": number,
        "number": number,
        "title": f"Issue {number}",
        "state": "open",
        "user": USER,
        "created_at": "2026-01-02T00:00:00Z",
        "updated_at": f"2026-01-0{number}T00:00:00Z",
        "url": f"https://github.example.com{REPOSITORY}/issues/{number}",
    }
    for number in (1, 2, 3)
]
ORDERS = [{"id": number, "title": f"Order {number}", "amount": number * 1.5} for number in range(1, 26)]
PAGE = 10


class Api(ThreadingHTTPServer):
    """Answers whoever brings `secret`; `seen` has the paths that were asked for."""

    daemon_threads = True

    def __init__(self, secret: str) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.secret = secret
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Conversation(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self.server.seen.append(address.path)
        if self.headers.get("Authorization", "").split(" ")[-1] != self.server.secret:
            self.answer(401, {"message": "Bad credentials"})
        elif address.path == "/v1/orders":
            page = int(parse_qs(address.query).get("page", ["1"])[0])
            rows = ORDERS[(page - 1) * PAGE : page * PAGE]
            more = page + 1 if page * PAGE < len(ORDERS) else None
            self.answer(200, {"data": rows, "next_page": more})
        elif address.path == f"{REPOSITORY}/issues":
            self.answer(200, ISSUES)
        elif address.path == REPOSITORY:
            self.answer(200, {"id": 1, "full_name": "acme/shop"})
        elif address.path.startswith((REPOSITORY, "/orgs/acme", "/projects", "/user")):
            self.answer(200, [])
        else:
            self.answer(404, {"message": "Not Found"})

    def answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-RateLimit-Remaining", "4999")
        self.send_header("X-RateLimit-Reset", "0")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing: the test looks at `seen`."""


@contextmanager
def api(secret: str) -> Iterator[Api]:
    """Serve until the test is over."""
    server = Api(secret)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
