"""A small mail server on a real socket that says what a test wants it to say."""

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mails. Each answer in `answers` is given once to RCPT TO, in place of 250; `hold` keeps it waiting."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.port = self.server_address[1]
        self.answers: list[bytes] = []
        self.taken: list[Message] = []
        self.asked = threading.Semaphore(0)
        self.hold = threading.Event()
        self.hold.set()


class Conversation(socketserver.StreamRequestHandler):
    """One client: as much of RFC 5321 as smtplib needs."""

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            self.converse()

    def converse(self) -> None:
        self.say(b"220 ready")
        while line := self.rfile.readline():
            match line[:4].upper():
                case b"RCPT":
                    self.server.asked.release()
                    self.server.hold.wait()
                    self.say(self.server.answers.pop(0) if self.server.answers else b"250 ok")
                case b"DATA":
                    self.say(b"354 go on")
                    body = b""
                    while (line := self.rfile.readline()) and line != b".\r\n":
                        body += line
                    self.server.taken.append(message_from_bytes(body))
                    self.say(b"250 taken")
                case b"QUIT":
                    self.say(b"221 bye")
                    return
                case _:
                    self.say(b"250 ok")

    def say(self, words: bytes) -> None:
        self.wfile.write(words + b"\r\n")


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run a mail server for the block."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.hold.set()
            server.shutdown()
            thread.join()
