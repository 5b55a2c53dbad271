"""A local stand-in of a storage that speaks S3: it lists buckets and gives objects to whoever signs with its key."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/")
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class Storage(ThreadingHTTPServer):
    """`buckets` has the text of each object by its key; `signed_by` the keys that were shown and admitted."""

    daemon_threads = True

    def __init__(self, key: str, buckets: Mapping[str, Mapping[str, str]]) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.key, self.buckets = key, buckets
        self.signed_by: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Conversation(BaseHTTPRequestHandler):
    server: Storage
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        signed = SIGNED.match(self.headers.get("Authorization", ""))
        if signed is None or signed[1] != self.server.key:
            return self.refuse(403, "InvalidAccessKeyId")
        self.server.signed_by.add(signed[1])
        address = urlsplit(self.path)
        bucket, _, key = unquote(address.path).lstrip("/").partition("/")
        objects = self.server.buckets.get(bucket)
        if objects is None:
            return self.refuse(404, "NoSuchBucket")
        if not key:
            return self.list_objects(bucket, objects, parse_qs(address.query))
        if key not in objects:
            return self.refuse(404, "NoSuchKey")
        return self.give(objects[key].encode())

    def do_HEAD(self) -> None:
        self.do_GET()

    def list_objects(self, bucket: str, objects: Mapping[str, str], query: dict[str, list[str]]) -> None:
        prefix, delimiter = (query.get(name, [""])[0] for name in ("prefix", "delimiter"))
        found, folders = [], []
        for key, text in sorted(objects.items()):
            below, cut, _ = key.removeprefix(prefix).partition(delimiter) if delimiter else (key, "", "")
            if key.startswith(prefix) and cut:
                folders.append(f"{prefix}{below}{delimiter}")
            elif key.startswith(prefix):
                found.append(
                    f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-02T00:00:00.000Z</LastModified>"
                    f"<ETag>&quot;{etag(text.encode())}&quot;</ETag><Size>{len(text.encode())}</Size>"
                    "<StorageClass>STANDARD</StorageClass></Contents>"
                )
        common = [
            f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>"
            for each in dict.fromkeys(folders)
        ]
        self.answer(
            200,
            f'<ListBucketResult xmlns="{NAMESPACE}"><Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix>'
            f"<KeyCount>{len(found) + len(common)}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
            f"{''.join([*found, *common])}</ListBucketResult>".encode(),
            {"Content-Type": "application/xml"},
        )

    def give(self, body: bytes) -> None:
        """Give an object, or the piece of it that is asked for."""
        more = {"ETag": f'"{etag(body)}"', "Last-Modified": "Fri, 02 Jan 2026 00:00:00 GMT"}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if wanted is None:
            return self.answer(200, body, more)
        begin, end = int(wanted[1]), min(int(wanted[2] or len(body)), len(body) - 1)
        return self.answer(
            206, body[begin : end + 1], more | {"Content-Range": f"bytes {begin}-{end}/{len(body)}"}
        )

    def refuse(self, status: int, code: str) -> None:
        self.answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode(), {})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


def etag(body: bytes) -> str:
    return md5(body, usedforsecurity=False).hexdigest()


@contextmanager
def s3_storage(key: str, buckets: Mapping[str, Mapping[str, str]]) -> Iterator[Storage]:
    """Serve until the test is over."""
    storage = Storage(key, buckets)
    thread = threading.Thread(target=storage.serve_forever, daemon=True)
    thread.start()
    try:
        yield storage
    finally:
        storage.shutdown()
        storage.server_close()
        thread.join()
