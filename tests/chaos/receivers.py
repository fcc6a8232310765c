"""Receivers over real sockets that take what they are sent and then lose the answer, refuse for a while, hang, or are slow."""

from __future__ import annotations

import asyncio
import email
import hashlib
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

PATIENCE_S = 0.6
"""How long a call of the desk waits for its answer."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One message that a receiver took: from which worker, and whether its answer went out whole and in time."""

    receiver: str
    id: str
    body: str
    worker: int
    answered: bool


class Ledger:
    """What all receivers took, in order, and how often they did what; while `flaky`, they do it by chance."""

    def __init__(self, seed: int) -> None:
        self.flaky = True
        self.taken: list[Taken] = []
        self.done: dict[str, int] = {}
        self._chance = random.Random(seed)
        self._lock = threading.Lock()

    def draw(self, ways: dict[str, int]) -> str:
        """Say what a receiver does next: each way by its weight."""
        with self._lock:
            way = self._chance.choices(list(ways), list(ways.values()))[0] if self.flaky else "answers"
            self.done[way] = self.done.get(way, 0) + 1
            return way

    def take(self, receiver: str, id: str, body: bytes, worker: int, *, answered: bool) -> None:
        with self._lock:
            digest = hashlib.sha256(body).hexdigest()
            self.taken.append(Taken(receiver=receiver, id=id, body=digest, worker=worker, answered=answered))


WAYS = {
    "answers": 50,
    "answers slowly": 8,
    "takes, then resets": 9,
    "takes, then hangs": 4,
    "resets before reading": 5,
    "hangs": 4,
    "500": 8,
    "503, Retry-After": 4,
    "429, Retry-After": 8,
}
MAIL_WAYS = {"answers": 60, "takes, then resets": 12, "takes, then hangs": 4, "451": 12, "resets before reading": 12}


class Hooks(ThreadingHTTPServer):
    """One HTTP server for every webhook; the path names the receiver."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        super().__init__(("127.0.0.1", 0), _Hook)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed is no news."""


class _Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hooks

    def do_POST(self) -> None:
        way = self.server.ledger.draw(WAYS)
        if way == "resets before reading":
            return self._reset()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if way.startswith("takes"):
            self._take(body, answered=False)
            if way.endswith("hangs"):
                time.sleep(3 * PATIENCE_S)
            self._reset()
        elif way == "hangs":
            time.sleep(3 * PATIENCE_S)
            self._reset()
        elif way.startswith("answers"):
            time.sleep(PATIENCE_S / 6 if way.endswith("slowly") else 0)
            self._take(body, answered=True)
            self._answer(200, "taken")
        else:
            self._answer(int(way[:3]), "not now", retry_after="Retry" in way)

    def _take(self, body: bytes, *, answered: bool) -> None:
        name, worker = self.path.strip("/"), int(self.headers["x-worker"])
        self.server.ledger.take(name, self.headers["webhook-id"], body, worker, answered=answered)

    def _answer(self, status: int, words: str, *, retry_after: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(words)))
        if retry_after:
            self.send_header("Retry-After", "3")
        self.end_headers()
        self.wfile.write(words.encode())

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on standard error."""

    def handle(self) -> None:
        with suppress(OSError, ValueError):
            super().handle()


class Post:
    """A mail server; the name with which a caller says hello tells its worker."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        way = self.ledger.draw(MAIL_WAYS)
        if way == "451":
            return "451 not now"
        if way.startswith("resets"):
            server.transport.abort()
            return "421 gone"
        mail = email.message_from_bytes(envelope.content)
        id, worker = mail["Message-ID"].strip("<>").partition("@")[0], int(session.host_name.rpartition("-")[2])
        self.ledger.take(f"mail#{envelope.rcpt_tos[0]}", id, envelope.content, worker, answered=way == "answers")
        if way.endswith("hangs"):
            await asyncio.sleep(3 * PATIENCE_S)
        if way.startswith("takes"):
            server.transport.abort()
            return "421 gone"
        return "250 taken"


@contextmanager
def listening(ledger: Ledger) -> Iterator[tuple[int, int]]:
    """Let both servers run; give their ports."""
    hooks = Hooks(ledger)
    serving = threading.Thread(target=hooks.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    serving.start()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    mail = Controller(Post(ledger), hostname="127.0.0.1", port=port)
    mail.start()
    try:
        yield hooks.server_address[1], port
    finally:
        mail.stop()
        hooks.shutdown()
        hooks.server_close()
