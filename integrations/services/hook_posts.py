"""Send one message of a post-load hook: signed, to the address that was judged, in thirty seconds at most.

The host is looked up once and connected to by the address that came of it; the certificate must be the host's. A
redirect is an answer like any other that is not 2xx: nothing is sent where it points. Of the answer only the
status counts; its body is not read.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass

from integrations.services.destination_addresses import HostRefused
from integrations.services.hook_addresses import InvalidURI, Target, target_of

TIMEOUT_SECONDS = 30.0
USER_AGENT = "StitchLoadingWebhook"
SIGNATURE_HEADER, DELIVERY_HEADER, EVENT_HEADER = "Stitch-Signature", "Stitch-Delivery", "Stitch-Event"
MOST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one try."""

    status: int | None
    milliseconds: int
    error: str  # empty when it arrived

    @property
    def arrived(self) -> bool:
        return not self.error


class NoAnswer(Exception):
    """The message could not be handed over; the sentence says why."""


class TimedConnection(http.client.HTTPSConnection):
    """A connection to one judged address, over which nothing takes longer than until its end."""

    def __init__(self, target: Target, addresses: list[str], *, give_up: float) -> None:
        super().__init__(target.host, target.port)
        self.target, self.addresses, self.give_up = target, addresses, give_up
        self.late = False

    def connect(self) -> None:
        """Connect to the first address that takes the connection; the certificate is checked against the host."""
        failure: OSError = OSError("No address")
        for address in self.addresses:
            try:
                plain = socket.create_connection((address, self.target.port), self.seconds_left())
            except OSError as error:
                failure = error
                continue
            self.sock = plain
            trusted = ssl.create_default_context()
            self.sock = trusted.wrap_socket(plain, server_hostname=self.target.host)
            return
        raise failure

    def seconds_left(self) -> float:
        """Return what is left of the time. Raises TimeoutError when nothing is."""
        left = self.give_up - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def cut(self) -> None:
        """End whatever is going on: the time is over."""
        self.late = True
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


def post(*, url: str, body: bytes, secret: str, delivery: int, event: str) -> Answer:
    """Send a message once; whatever happens is told in the answer."""
    began = time.monotonic()
    status, error = None, ""
    try:
        status = exchange(url, body, secret=secret, delivery=delivery, event=event, began=began)
        if not 200 <= status < 300:
            redirected = " Redirects are not followed." if 300 <= status < 400 else ""
            error = f"The answer was {status}, not 2xx.{redirected}"
    except NoAnswer as reason:
        error = str(reason)[:MOST_ERROR]
    return Answer(status, round((time.monotonic() - began) * 1000), error)


def exchange(url: str, body: bytes, *, secret: str, delivery: int, event: str, began: float) -> int:
    """Send the message and return the answer's status. Raises NoAnswer."""
    try:
        target = target_of(url)
        addresses = target.addresses()
    except (InvalidURI, HostRefused) as error:
        raise NoAnswer(error.message) from error
    connection = TimedConnection(target, addresses, give_up=began + TIMEOUT_SECONDS)
    watch = threading.Timer(max(0.0, began + TIMEOUT_SECONDS - time.monotonic()), connection.cut)
    watch.daemon = True
    watch.start()
    stamp = int(time.time())
    headers = {
        "Host": target.authority,
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        SIGNATURE_HEADER: f"t={stamp},v1={signature(secret, stamp, body)}",
        DELIVERY_HEADER: str(delivery),
        EVENT_HEADER: event,
    }
    try:
        connection.request("POST", target.path, body=body, headers=headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(reason_of(error, late=connection.late)) from error
    finally:
        watch.cancel()
        connection.close()


def signature(secret: str, stamp: int, body: bytes) -> str:
    """Sign a body with its time: HMAC-SHA-256 over `<seconds>.<body>`, in hex."""
    return hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def reason_of(error: Exception, *, late: bool) -> str:
    """Say what kept the message from arriving."""
    if late or isinstance(error, TimeoutError):
        return f"No answer within {TIMEOUT_SECONDS:g} seconds."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate was not accepted: {error.verify_message}."
    if isinstance(error, ssl.SSLError):
        return f"No secure connection: {error.reason or 'the other side ended it'}."
    if isinstance(error, http.client.HTTPException):
        return "The answer was not HTTP."
    return f"No connection: {getattr(error, 'strerror', None) or type(error).__name__}."
