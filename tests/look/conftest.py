"""The style guide in a real browser. It asks no database, so a plain threaded server in this process does."""

import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.wsgi import get_wsgi_application


class ThreadedServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format, *args):
        """Say nothing; the product logs its requests itself."""


@pytest.fixture(scope="session")
def guide_url():
    """Serve the product on a free port of this machine; return where the style guide is."""
    server = make_server("127.0.0.1", 0, get_wsgi_application(), ThreadedServer, QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/styleguide"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def open_guide(chromium, guide_url):
    """Return a function that opens a page of the style guide; a script error or a CSP breach fails the test."""
    contexts, faults = [], []

    def open_page(page: str = "components", *, permissions=(), script: str | None = None, **context):
        contexts.append(chromium.new_context(**({"viewport": {"width": 1280, "height": 900}} | context)))
        contexts[-1].set_default_timeout(10_000)
        if permissions:
            contexts[-1].grant_permissions(list(permissions))
        if script:
            contexts[-1].add_init_script(script)
        opened = contexts[-1].new_page()
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("console", lambda message: message.type == "error" and faults.append(message.text))
        opened.goto(f"{guide_url}/{page}")
        return opened

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
