"""gunicorn's threaded worker, with a little patience: a connection that is in use stays with its thread.

Between two requests of a kept-alive connection gunicorn hands it to its main thread, which watches it and gives it
to a thread again. A sender of many small requests has sent the next one long before that is done. So a thread
first looks for a moment whether more comes, unless other connections wait for a thread.

What is no HTTP that can be served, gunicorn refuses itself, and programs get that as JSON too (import-api.md 10).
"""

import json
import select
import socket
import uuid

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

PATIENCE_MILLISECONDS = 2
MOST_IN_A_ROW = 1000  # requests; then the others' turn comes, however it looks


def write_error(client: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer a request that never reached the application, and say why where that is the sender's fault."""
    told = f"{reason}: {message}" if message else reason
    body = json.dumps({"message": told}, separators=(",", ":"))
    head = [
        f"HTTP/1.1 {status} {reason}",
        "Connection: close",
        "Content-Type: application/json;charset=UTF-8",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        f"X-Error-Code: {'request_malformed' if status < 500 else 'internal_error'}",
        f"X-Request-Id: {uuid.uuid4().hex}",
    ]
    util.write_nonblock(client, "\r\n".join([*head, "", body]).encode("ascii", "backslashreplace"))


util.write_error = write_error  # gunicorn's own writes HTML and offers no other way


class PatientWorker(ThreadWorker):
    """Serves a connection's requests in a row while they follow at once."""

    def handle(self, conn: TConn) -> object:
        """Answer the requests that come on a connection; return what gunicorn's own method does of the last."""
        for _ in range(MOST_IN_A_ROW):
            answer = super().handle(conn)
            if answer is not True or conn.is_http2 or not self.alive or not self._more_comes(conn):
                break
        return answer

    def _more_comes(self, conn: TConn) -> bool:
        if self.tpool._work_queue.qsize():
            return False
        if conn.parser.unreader.buf.getvalue():  # read already, with the request before
            return True
        watch = select.poll()
        watch.register(conn.sock, select.POLLIN)
        return bool(watch.poll(PATIENCE_MILLISECONDS))
