"""
Pages on a local port: ``/healthz`` says whether the service is well, ``/metrics`` counts; and those behind the links in mails.

``/healthz`` answers 200 while the last round of every job ended well and the database answers, else 503; the JSON names
each job either way.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST

from monitor.errors import MonitorError
from monitor.eventlog import event
from monitor.vitals import Vitals
from monitor.web.unsubscribe import MOST_BYTES, Page, Unsubscribe, is_link

log = logging.getLogger(__name__)

MOST_AT_ONCE = 32
LONGEST_S = 20.0
"""How long one request may take, its writing included."""

_TEXT, _HTML = "text/plain; charset=utf-8", "text/html; charset=utf-8"
_GUARDED = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class HealthServer:
    """
    Serves the two pages from a thread of its own, as a context manager.

    Parameters
    ----------
    vitals : Vitals
    count : callable
        Asks the database for the numbers of notifications by state ("waiting", "dead"); raises where it does not answer.
    host, port
        Where to listen; port 0 takes a free one.
    unsubscribe : Unsubscribe, optional
        The pages behind the links in mails.

    Raises
    ------
    MonitorError
        If the port cannot be taken.
    """

    def __init__(
        self,
        vitals: Vitals,
        count: Callable[[], Mapping[str, int]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        unsubscribe: Unsubscribe | None = None,
    ) -> None:
        self._vitals = vitals
        self.unsubscribe = unsubscribe
        self._count = count
        try:
            self._server = _Server((host, port), self)
        except OSError as error:
            raise MonitorError(f"the health page cannot listen on {host} port {port}: {error.strerror}") from None

    def __enter__(self) -> HealthServer:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="health", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the pages are."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def answer(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        """Return status, media type and body of a page."""
        if path == "/healthz":
            well, report = self.report()
            status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
            return status, "application/json", json.dumps(report, indent=2).encode()
        if path == "/metrics":
            self._ask_database()
            return HTTPStatus.OK, CONTENT_TYPE_LATEST, self._vitals.exposition()
        return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"there are two pages: /healthz and /metrics\n"

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Tell whether all is well, and how each job and the database are."""
        database = self._ask_database()
        rounds = self._vitals.rounds
        well = not database and not any(found.failure for found in rounds.values())
        jobs = {
            name: {"ended_at": found.ended_at.isoformat(timespec="seconds"), "state": found.failure or "fine"}
            for name, found in sorted(rounds.items())
        }
        return well, {"status": "fine" if well else "failing", "database": database or "fine", "jobs": jobs}

    def _ask_database(self) -> str:
        """Bring the gauges up to date; return what is wrong with the database, or ""."""
        try:
            counts = self._count()
        except MonitorError as error:
            return str(error)
        except Exception:
            event(log, "health page failed", level=logging.ERROR, failure=True)
            return "does not answer"
        self._vitals.waiting.set(counts.get("waiting", 0))
        self._vitals.dead.set(counts.get("dead", 0))
        return ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # callers who wait for their turn, where 5 would be the library's

    def __init__(self, address: tuple[str, int], pages: HealthServer) -> None:
        self.pages = pages
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread; whoever comes while all are busy is turned away, so that slow callers cost no memory."""
        if self._free.acquire(timeout=1):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, within a time, however slowly the caller writes."""
        cut = threading.Timer(LONGEST_S, _cut, (request,))
        cut.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            cut.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a request that could not be answered; a caller who went away is not worth a line."""
        if not isinstance(sys.exception(), OSError):
            event(log, "health page failed", level=logging.ERROR, failure=True)


def _cut(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "monitor"
    sys_version = ""
    timeout = 10

    def do_GET(self) -> None:
        path, unsubscribe = self.path.partition("?")[0], self.server.pages.unsubscribe
        if unsubscribe is not None and is_link(path):
            self._show(lambda: unsubscribe.show(path))
        else:
            self._reply(*self.server.pages.answer(path))

    do_HEAD = do_GET

    def do_POST(self) -> None:
        path, unsubscribe = self.path.partition("?")[0], self.server.pages.unsubscribe
        if unsubscribe is None or not is_link(path):
            self._refuse()
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._reply(HTTPStatus.LENGTH_REQUIRED, _TEXT, b"the length of the form is missing\n")
        elif len(length) > 9 or int(length) > MOST_BYTES:
            self._reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TEXT, b"the form is too large\n")
        elif len(body := self.rfile.read(int(length))) == int(length):  # what is cut short asks for nothing
            self._show(lambda: unsubscribe.act(path, self.headers.get("Content-Type", ""), body))

    def _show(self, page: Callable[[], Page]) -> None:
        """Reply with a page that a person reads; where the desk cannot answer, it can be asked again."""
        try:
            found = page()
        except (MonitorError, OSError):  # the database or the key is not there; the caller must not see more than that
            event(log, "a link in a mail could not be answered", level=logging.ERROR, failure=True)
            self._reply(HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, b"not possible at the moment; please try again later\n")
            return
        self._reply(found.status, _HTML if found.status is HTTPStatus.OK else _TEXT, found.body)

    def _refuse(self) -> None:
        self._reply(HTTPStatus.METHOD_NOT_ALLOWED, _TEXT, b"GET and HEAD are answered here\n")

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse

    def _reply(self, status: HTTPStatus, media_type: str, body: bytes) -> None:
        self.send_response(status)
        if status is HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in _GUARDED.items() if media_type == _HTML else ():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, template: str, *values: object) -> None:
        event(log, "health page asked", level=logging.DEBUG, words=template % values)
