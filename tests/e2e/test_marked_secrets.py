"""
A whole run with marked secrets everywhere: none is found in anything that the program prints, logs, stores, writes or serves.

Every server repeats what it was sent, as an error page does, and most refuse: what a receiver says goes into records.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import MetaData, create_engine, select

from monitor.cli import root

CORE = "S3kR3tVal"
"""A part of every secret: where it is found, as it is or in base64, a secret is found, or a piece of one."""

_SPELLINGS = [CORE, *(base64.b64encode(bytes(n) + CORE.encode()).decode()[n + 1 : -4] for n in range(3)), CORE.encode().hex()]
FOUND = re.compile("|".join(map(re.escape, _SPELLINGS)).encode())


def secret(name: str) -> str:
    """Return a secret that JSON and addresses write otherwise than it is."""
    return f'{name}"{CORE}/+=&'


class Echo(ThreadingHTTPServer):
    """Answers every call with all that it said, and with the status that begins its path, or 503."""

    daemon_threads = True

    def __init__(self) -> None:
        self.heard: list[str] = []
        super().__init__(("127.0.0.1", 0), _Answer)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answer(BaseHTTPRequestHandler):
    server: Echo

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = f"wrong: {self.path} {dict(self.headers)} {body.decode(errors='replace')}"
        self.server.heard.append(said)
        status = self.path.split("/")[1]
        self.send_response(int(status) if status.isdecimal() else 503)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(said.encode())

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


def _post_office(server: socket.socket, context: ssl.SSLContext) -> None:
    """Let nobody log in, and repeat what was tried, as it came and decoded."""
    while True:
        try:
            plain, _ = server.accept()
        except OSError:
            return
        with suppress(OSError), context.wrap_socket(plain, server_side=True) as line:
            line.sendall(b"220 post\r\n")
            for said in line.makefile("rb"):
                word, _, rest = said.strip().partition(b" PLAIN ")
                if said[:4].upper() == b"EHLO":
                    line.sendall(b"250-post\r\n250 AUTH PLAIN\r\n")
                elif word.upper() == b"AUTH":
                    line.sendall(b"535 no login with " + rest + b" " + base64.b64decode(rest).replace(b"\0", b" ") + b"\r\n")
                else:
                    line.sendall(b"221 bye\r\n" if said[:4].upper() == b"QUIT" else b"502 no\r\n")


@dataclass(eq=False)
class Desk:
    """A desk whose every secret is marked, and all that its commands printed."""

    folder: Path
    echo: Echo
    environ: dict[str, str]
    printed: dict[str, str] = field(default_factory=dict)

    def call(self, *command: str, **environ: str) -> str:
        asked = ["--config", str(self.folder / "config"), *command]
        answer = CliRunner().invoke(root, asked, env={**self.environ, **environ})
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
        self.printed[f"{' '.join(command)} {sorted(environ)}"] = answer.output
        return answer.output


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A mail server over TLS: its port and its certificate."""
    certificate = tmp_path / "post.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{certificate}.key", "-out", str(certificate)]
    try:
        subprocess.run(["openssl", *options.split(), *names], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("this machine has no openssl program")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, f"{certificate}.key")
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_post_office, args=(server, context), daemon=True).start()
        yield server.getsockname()[1], certificate


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def desk(request: pytest.FixtureRequest, tmp_path: Path, mail: tuple[int, Path]) -> Iterator[Desk]:
    echo = Echo()
    threading.Thread(target=echo.serve_forever, daemon=True).start()
    environ = {"PAGER_KEY": f"{CORE}0123456789abcdefghijklm", "MAIL_PASSWORD": secret("mail"), "BOT_TOKEN": f"xoxb-{CORE}",
               "HOOK_TOKEN": secret("token"), "PEER_PASSWORD": secret("peer"), "KOREA_KEY": f"korea{CORE}%2B",
               "BEAT_URL": f"{echo.url}/500/beat-{CORE}?key={CORE}", "LINKS": f"{CORE * 4}"}  # fmt: skip
    if request.param == "postgresql":
        address = str(request.getfixturevalue("new_postgresql")())
        environ["MONITOR_DATABASE"] = address.replace("postgres@", f"postgres:{CORE}%2F@")
    made = Desk(tmp_path / "desk", echo, environ)
    for name in ("config", "rules", "inbox", "secrets"):
        (made.folder / name).mkdir(parents=True)
    _write(made, *mail)
    yield made
    echo.shutdown()
    echo.server_close()


def _write(desk: Desk, port: int, certificate: Path) -> None:
    key = base64.b64encode(f"{CORE} of thirty-two bytes, or so...".encode()).decode()
    for name, words in {"signing": f"whsec_{key}", "old": f"whsec_{key[::-1].strip('=')[:32]}"}.items():
        (desk.folder / "secrets" / name).write_text(words)
    for status in ("200", "503", "400"):
        (desk.folder / "secrets" / f"url-{status}").write_text(f"{desk.echo.url}/{status}/in-{CORE}/hook?sig={CORE}%2F")
    (desk.folder / "secrets" / "workflow").write_text(f"{desk.echo.url}/workflows/{CORE}/triggers/manual/paths/invoke?sig={CORE}")
    hooks: list[dict[str, Any]] = [
        {"name": f"hook{status}", "kind": "webhook", "url_file": f"secrets/url-{status}", "secret": {"file": "secrets/signing"},
         "headers": {"Authorization": {"env": "HOOK_TOKEN"}, "X-Key": {"env": "HOOK_TOKEN"}}}
        for status in ("200", "503", "400")
    ]  # fmt: skip
    receivers: list[dict[str, Any]] = [
        *hooks,
        {"name": "mail", "kind": "email", "host": "127.0.0.1", "port": port, "tls": "tls", "ca_file": str(certificate),
         "user": "me", "password": {"env": "MAIL_PASSWORD"}, "to": ["ann@example.com"], "charts": 0},
        {"name": "slack", "kind": "slack", "url_file": "secrets/url-400"},
        {"name": "bot", "kind": "slack", "token": {"env": "BOT_TOKEN"}, "channel": "#trade", "api": f"{desk.echo.url}/503/api"},
        {"name": "teams", "kind": "teams", "url_file": "secrets/workflow"},
        {"name": "pager", "kind": "pagerduty", "routing_key": {"env": "PAGER_KEY"}, "url": f"{desk.echo.url}/400/v2/enqueue"},
        {"name": "peers", "kind": "alertmanager", "urls": [f"{desk.echo.url}/503/am"], "user": "me",
         "password": {"env": "PEER_PASSWORD"}},
        {"name": "bearer", "kind": "alertmanager", "urls": [f"{desk.echo.url}/400/am"], "token": {"env": "HOOK_TOKEN"}},
        {"name": "file", "kind": "file", "folder": "var/out", "as": ["email", "webhook", "text"],
         "secret": {"file": "secrets/signing"}},
        {"name": "screen", "kind": "console", "form": "full"},
    ]  # fmt: skip
    names = [str(receiver["name"]) for receiver in receivers]
    korea = {"name": "korea", "kind": "korea", "dataset": "magnets", "products": ["8505110000"], "flows": ["import"],
             "key": {"env": "KOREA_KEY"}, "base_url": f"{desk.echo.url}/403/api", "failed_after": "1 minute"}  # fmt: skip
    table = {"name": "customs", "kind": "table", "dataset": "magnets", "folder": "inbox", "reporter": "CN", "flow": "export",
             "measure": "weight", "unit": "t", "columns": {"value": "value_t"}}  # fmt: skip
    http = {"allow_hosts": ["127.0.0.1"], "attempts": 1, "per_host_per_minute": 60_000}
    monitor = {"http": http, "health": {"port": 0}, "heartbeat": {"env": "BEAT_URL"}, "link_secret": {"env": "LINKS"},
               "public_url": "https://monitor.example"}  # fmt: skip
    files = {
        "monitor": monitor,
        "sources": {"sources": [table, korea]},
        "receivers": {"receivers": receivers},
        "routes": {"operators": "file", "routes": [{"name": "all", "receivers": names}]},
    }
    for name, content in files.items():
        (desk.folder / "config" / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
    facts = ["source_failed", "credentials_missing", "quota_used_up", "format_changed", "delivery_died"]
    rules: list[dict[str, Any]] = [
        {
            "name": "fall",
            "direction": "drop",
            "watch": {"source": "customs", "measure": "weight"},
            "when": {"warning": "value <= 50 t"},
        },
        {"name": "operations", "kind": "operations", "facts": facts},
    ]
    (desk.folder / "rules" / "r.yaml").write_text(json.dumps({"rules": rules}), encoding="utf-8")
    for place, (period, tonnes) in enumerate((("2025-05", 100), ("2025-06", 20))):
        file = desk.folder / "inbox" / f"{period}.csv"
        file.write_text(f"period,partner,product,value_t\n{period},Germany,CN8:85051110,{tonnes}\n")
        os.utime(file, (time.time() - 3600 + place,) * 2)


def _serve(desk: Desk, form: str) -> None:
    """Let the service run for a moment, and read its pages."""
    command = [sys.executable, "-m", "monitor", "--config", str(desk.folder / "config"), "serve"]
    environ = {**os.environ, **desk.environ, "MONITOR_LOG": f"debug {form}"}
    with subprocess.Popen(command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        lines = []
        url = ""
        while not url:
            lines.append(process.stderr.readline())
            assert lines[-1], lines
            url = next(iter(re.findall(r"health at (\S+)/healthz", lines[-1])), "")
        time.sleep(2.5)
        for page in ("healthz", "metrics"):
            with suppress(urllib.error.HTTPError), urllib.request.urlopen(f"{url}/{page}", timeout=5) as answer:
                desk.printed[f"{page} {form}"] = answer.read().decode()
        process.send_signal(signal.SIGTERM)
        out, rest = process.communicate(timeout=20)
    desk.printed[f"serve {form}"] = "".join((out, *lines, rest))


def _use(desk: Desk) -> None:
    """Call whatever says something about receivers, messages or sources."""
    for command in ("check", "check --json", "run", "receivers list", "receivers list --json", "sources try korea", "calendar"):
        desk.call(*command.split())
    for receiver in json.loads(desk.call("receivers", "list", "--json")):
        desk.call("receivers", "test", receiver["name"])
    for form in ("text", "json"):
        _serve(desk, form)
    for command in ("deliver", "deliveries list", "deliveries list --json", "deliveries list --dead", "audit list --json",
                    "alerts list --json", "store check", "tasks", "rules list --json", "releases list --json"):  # fmt: skip
        desk.call(*command.split())
    for attempt in {one["receiver"]: one for one in json.loads(desk.printed["deliveries list --json []"])}.values():
        desk.call("deliveries", "show", attempt["notification"])
        desk.call("deliveries", "show", attempt["notification"], "--json")
        desk.call("render", "--receiver", attempt["receiver"], "--notification", attempt["notification"])
    desk.call("doctor")
    desk.call("store", "export", str(desk.folder / "moved.tar"))
    desk.call("run", MONITOR_DATABASE=f"postgresql://me:{CORE}@127.0.0.1:9/lost")
    desk.call("check", MONITOR_DATABASE=f"strange://me:{CORE}@127.0.0.1:9/lost")


def _stored(desk: Desk) -> Iterator[tuple[str, bytes]]:
    """Yield every file outside the folder of secrets, and every cell of the database, unpacked too."""
    for path in desk.folder.rglob("*"):
        if path.is_file() and "secrets" not in path.parts:
            data = path.read_bytes()
            yield str(path), gzip.decompress(data) if path.suffix == ".gz" else data
    engine, found = create_engine(desk.environ.get("MONITOR_DATABASE", f"sqlite:///{desk.folder}/var/monitor.db")), MetaData()
    found.reflect(engine)
    with engine.connect() as connection:
        for table in found.sorted_tables:
            for row in connection.execute(select(table)):
                for value in row:
                    yield table.name, str(value).encode()
                    with suppress(ValueError, zlib.error):
                        yield f"{table.name}, unpacked", zlib.decompress(base64.b64decode(str(value), validate=True))
    engine.dispose()


@pytest.mark.timeout(240)
def test_no_secret_is_found_in_anything_that_was_printed_logged_stored_written_or_served(desk: Desk) -> None:
    _use(desk)
    heard = "\n".join(desk.echo.heard).encode()
    assert len(FOUND.findall(heard)) > 20, "the servers repeat what they were sent, so there is something to find"
    printed = ((name, text.encode()) for name, text in desk.printed.items())
    leaks = [
        f"{place}: …{content[max(0, at.start() - 150) : at.end() + 30].decode(errors='replace')}…"
        for place, content in (*printed, *_stored(desk))
        for at in list(FOUND.finditer(content))[:1]
    ]
    assert leaks == []
    tried = {one["receiver"].partition("#")[0] for one in json.loads(desk.printed["deliveries list --json []"])}
    assert tried >= {"hook503", "hook400", "mail", "slack", "bot", "teams", "pager", "peers", "bearer", "file"}
