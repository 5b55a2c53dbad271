"""gunicorn's threaded worker, with a little patience: a connection that is in use stays with its thread.

Between two requests of a kept-alive connection gunicorn hands it to its main thread, which watches it and gives it
to a thread again. A sender of many small requests has sent the next one long before that is done. So a thread
first looks for a moment whether more comes, unless other connections wait for a thread.
"""

import select

from gunicorn.workers.gthread import TConn, ThreadWorker

PATIENCE_MILLISECONDS = 2
MOST_IN_A_ROW = 1000  # requests; then the others' turn comes, however it looks


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
