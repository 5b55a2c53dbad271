"""Bytes off the wire: never more than the limit, whatever the headers claim (promises I6, I7)."""

import contextlib
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Protocol

from django.conf import settings
from django.http import HttpRequest

from integrations.importapi.refusals import too_large, unknown_encoding

CHUNK_BYTES = 64 * 1024
# A refused client that is still writing must get to read the answer (import-api.md 2.6): so much of what
# it sends is read and thrown away; the server closes the connection of whoever sends more.
DRAINED_BODIES = 3


class IncompleteBody(Exception):
    """The connection ended, or broke its own framing, before the whole body had come."""


class Stream(Protocol):
    """What the server hands over for reading a body."""

    def read(self, size: int, /) -> bytes: ...


def read_body(request: HttpRequest, *, limit: int) -> bytes:
    """Return the whole body, decompressed; refuse one over `limit` bytes before or after decompression."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip"):
        raise unknown_encoding(encoding)
    declared = declared_size(request)
    if declared is not None and declared > limit:
        raise too_large(declared)
    pieces = _decompressed(chunks(request), limit) if encoding == "gzip" else chunks(request)
    body = BytesIO()
    for piece in pieces:
        body.write(piece)
        if body.tell() > limit:
            size = body.tell()
            body = BytesIO()
            raise too_large(size + (0 if encoding == "gzip" else rest_size(request)))
    if encoding != "gzip" and declared is not None and body.tell() < declared:
        raise IncompleteBody(f"The body ended after {body.tell()} of {declared} bytes")
    return body.getvalue()


def drain(request: HttpRequest) -> None:
    """Throw away what is left of the body, within reason: a client that is still writing gets its answer."""
    with contextlib.suppress(IncompleteBody):
        rest_size(request)


def rest_size(request: HttpRequest) -> int:
    """Throw away what is left of the body and return how much it was; a bounded count when it is endless."""
    size = 0
    for piece in chunks(request):
        size += len(piece)
        if size > DRAINED_BODIES * settings.MAX_BODY_BYTES:
            break
    return size


def declared_size(request: HttpRequest) -> int | None:
    """Return the Content-Length; None for a chunked body."""
    length = request.META.get("CONTENT_LENGTH") or ""
    return int(length) if length.isascii() and length.isdecimal() else None


def chunks(request: HttpRequest) -> Iterator[bytes]:
    """Yield the body as it arrives."""
    stream = _stream(request)
    while True:
        try:
            piece = stream.read(CHUNK_BYTES)
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


def _decompressed(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """Inflate piece by piece, never holding more than `limit` bytes beyond what was asked for."""
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        for piece in pieces:
            waiting = piece
            while waiting:
                yield inflater.decompress(waiting, CHUNK_BYTES)
                waiting = inflater.unconsumed_tail
            if inflater.unused_data:
                raise IncompleteBody("Data follows the end of the gzip stream")
    except zlib.error as error:
        raise IncompleteBody(f"The body is not gzip: {error}") from error
    if not inflater.eof:
        raise IncompleteBody("The gzip stream ended early")
