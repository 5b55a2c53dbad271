"""Bytes off the wire: never more than the limit, whatever the headers claim (promises I6, I7)."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Protocol

from django.conf import settings
from django.http import HttpRequest

from integrations.importapi.byte_budget import budget
from integrations.importapi.refusals import too_large, unknown_encoding

CHUNK_BYTES = 64 * 1024
LARGE_CHUNK_BYTES = 1024 * 1024  # of a body as it is: small pieces cost several copies each on the way here
# A refused client that is still writing must get to read the answer (import-api.md 2.6): so much of what
# it sends is read and thrown away; the server closes the connection of whoever sends more.
DRAINED_BODIES = 3
MOST_GZIP_MEMBERS = 10_000  # each costs as much as kilobytes of data
SILENCE_SECONDS = 60.0
DRAIN_SILENCE_SECONDS = 5.0


class IncompleteBody(Exception):
    """The connection ended, or broke its own framing, before the whole body had come."""


@contextmanager
def received_body(request: HttpRequest, *, patience: float | None) -> Iterator[bytes]:
    """Give the whole body, decompressed, while the process's byte budget is held for it.

    Refuses one over MAX_BODY_BYTES before or after decompression. Raises IncompleteBody and, when the
    budget does not become free within `patience` seconds, BudgetExhausted.
    """
    limit: int = settings.MAX_BODY_BYTES
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise unknown_encoding(encoding)
    declared = declared_size(request)
    if declared is not None and declared > limit:
        raise too_large(declared, limit=limit)
    size = limit if declared is None or encoding == "gzip" else declared
    with budget.hold(size, patience=patience), silence_ends(request, SILENCE_SECONDS):
        yield read_body(request, limit=limit, gzipped=encoding == "gzip")


class Stream(Protocol):
    """What the server hands over for reading a body."""

    def read(self, size: int, /) -> bytes: ...


def read_body(request: HttpRequest, *, limit: int, gzipped: bool = False) -> bytes:
    """Return the whole body, decompressed; refuse one over `limit` bytes."""
    body = BytesIO()
    for piece in (
        _decompressed(chunks(request), limit=limit) if gzipped else chunks(request, LARGE_CHUNK_BYTES)
    ):
        body.write(piece)
        if body.tell() > limit:
            size = body.tell()
            body = BytesIO()
            raise too_large(size + (0 if gzipped else rest_size(request)), limit=limit)
    declared = declared_size(request)
    if not gzipped and declared is not None and body.tell() < declared:
        raise IncompleteBody(f"The body ended after {body.tell()} of {declared} bytes")
    return body.getvalue()


def drain(request: HttpRequest) -> None:
    """Throw away what is left of the body, within reason: a client that is still writing gets its answer."""
    with suppress(IncompleteBody), silence_ends(request, DRAIN_SILENCE_SECONDS):
        rest_size(request)


def rest_size(request: HttpRequest) -> int:
    """Throw away what is left of the body and return how much it was; a bounded count when it is endless."""
    size = 0
    for piece in chunks(request):
        size += len(piece)
        if size > DRAINED_BODIES * settings.MAX_BODY_BYTES:
            break
    return size


@contextmanager
def silence_ends(request: HttpRequest, seconds: float) -> Iterator[None]:
    """End a read when the client sends nothing for so long; gunicorn's threads would wait for ever."""
    connection = request.META.get("gunicorn.socket")
    if connection is None:
        yield
        return
    before = connection.gettimeout()
    connection.settimeout(seconds)
    try:
        yield
    finally:
        with suppress(OSError):  # the client may have closed it
            connection.settimeout(before)


def declared_size(request: HttpRequest) -> int | None:
    """Return the Content-Length; None for a chunked body."""
    length = request.META.get("CONTENT_LENGTH") or ""
    return int(length) if length.isascii() and length.isdecimal() else None


def chunks(request: HttpRequest, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Yield the body as it arrives, at most so many bytes at once."""
    stream = _stream(request)
    while True:
        try:
            piece = stream.read(size)
        except Exception as error:  # each server has its own errors for a broken connection or framing
            raise IncompleteBody(f"The body could not be read: {error}") from error
        if not piece:
            return
        yield piece


def _stream(request: HttpRequest) -> Stream:
    """Return the server's own stream where it ends by itself: Django's takes a chunked body for empty."""
    if request.META.get("wsgi.input_terminated"):
        stream: Stream = request.META["wsgi.input"]
        return stream
    return request


def _decompressed(pieces: Iterator[bytes], *, limit: int) -> Iterator[bytes]:
    """Inflate piece by piece: a bomb never gets to explode, and what inflates to nothing has an end as well.

    Members that follow one another are one body (RFC 1952, 2.2).
    """
    inflater, members, received = _inflater(), 1, 0
    try:
        for piece in pieces:
            received += len(piece)
            if received > limit:
                raise too_large(received, limit=limit)
            waiting = piece
            while waiting:
                if inflater.eof:
                    inflater, members = _inflater(), members + 1
                    if members > MOST_GZIP_MEMBERS:
                        raise IncompleteBody(f"The gzip stream has more than {MOST_GZIP_MEMBERS} members")
                yield inflater.decompress(waiting, CHUNK_BYTES)
                waiting = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    except zlib.error as error:
        raise IncompleteBody(f"The body is not gzip: {error}") from error
    if not inflater.eof:
        raise IncompleteBody("The gzip stream ended early")


def _inflater() -> "zlib._Decompress":
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
