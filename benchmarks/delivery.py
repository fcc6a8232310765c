"""Messages a second to a local HTTP receiver beside a bare loop of httpx: `python -m benchmarks.delivery [--messages N]`."""

from __future__ import annotations

import argparse
import asyncio
import base64
import logging
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import httpx

from benchmarks.stopwatch import heading, row, seconds
from monitor.alerts.messages import AlertState, Digest, Line, Notification, Part, Reason
from monitor.alerts.records import Change
from monitor.months import month
from monitor.notify.alertmanager_body import body
from monitor.notify.webhook import Webhook
from monitor.notify.worker import Worker, message_of
from monitor.rules.levels import Level
from monitor.sources.http import Client, HttpSettings
from monitor.store.database import Database
from monitor.store.outbox import Outbox

AT = datetime(2025, 6, 20, 2, tzinfo=UTC)
THREADS = 20
BATCH = 1_000
ROUNDS = 10
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()
CHOICES = (1, 2, 4, 8)


class _Receiver(asyncio.Protocol):
    """Reads a call and answers 200; a call of ``/hang`` is never answered."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._held = transport, b""

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, found, body = self._held.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0) if found else 0
        if found and len(body) >= size:
            self._held = body[size:]
            if not head.startswith(b"POST /hang"):
                self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")  # type: ignore[attr-defined]


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Receiver, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def receiver() -> Iterator[str]:
    """Run the receiver in a process of its own; give its address."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.delivery", "--serve"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.communicate()


def note(number: int, name: str = "desk") -> Notification:
    """Return a message about one alert."""
    episode = f"episode-{number}"
    reason = Reason(rule="fall", change=Change.OPENED, level=Level.CRITICAL, words="New, critical", episode=episode)
    line = Line(
        part=Part.NEW, series="gacc/magnets/CN/US/CN8:85051110/export/weight/kg/reported", month=month(2025, 5),
        title="Magnets, China to United States", figure="46 t in May 2025", sentences=("93.3% below a year earlier (689 t).",),
        outcome="New, critical", level=Level.CRITICAL, reasons=(reason,), value=46e3, unit="kg",
    )  # fmt: skip
    labels = {"alertname": "fall", "partner": "US", "product": "CN8:85051110", "severity": "critical", "number": str(number)}
    state = AlertState(episode=episode, labels=labels, annotations={"summary": line.text}, starts_at=AT, ends_at=None)
    digest = Digest(
        subject="China magnets, May 2025: 1 new drop", title="China magnets, May 2025", release=f"gacc-{number}", published_at=AT,
        lines=(line,), alerts=(state,), group={"release": f"gacc-{number}"},
    )  # fmt: skip
    thread = f"route-{number % THREADS}|{name}"
    return Notification(
        id=f"{name}-{number}", receiver=name, route="all", thread=thread, cause="bench", created_at=AT, digest=digest
    )


class Desk:
    """An outbox with its workers and the real client."""

    def __init__(self, folder: Path, address: str, database: str = "") -> None:
        self.database = Database(database or f"sqlite:///{folder}/monitor.db")
        self.database.migrate()
        self.outbox = Outbox(self.database)
        self.client = Client(HttpSettings(per_host_per_minute=6e7, allow_hosts=("127.0.0.1",)))
        parameters = {name: _parameters(f"{address}/{name}") for name in ("desk", "hang")}
        self.notifiers = {name: Webhook(name, each, client=self.client, clock=_now) for name, each in parameters.items()}
        self.stop = threading.Event()
        self._count = 0

    def queue(self, count: int) -> None:
        """Queue messages, some at a time."""
        for start in range(self._count, self._count + count, BATCH):
            self.outbox.queue(*(note(number) for number in range(start, min(start + BATCH, self._count + count))))
        self._count += count

    def deliver(self, at_once: int = 4) -> None:
        """Send all that waits, what a busy machine delays included."""
        worker = Worker(self.outbox, self.notifiers, clock=_now, at_once=at_once, poll_s=0.05)
        worker.run_once(self.stop)
        while not self.stop.is_set() and self.outbox.counts()["waiting"]:
            time.sleep(0.05)
            worker.run_once(self.stop)

    def close(self) -> None:
        self.client.close()
        self.database.close()


def _parameters(url: str) -> Webhook.Parameters:
    return Webhook.Parameters.model_validate({"url": url, "secret": SECRET, "timeout_s": 50})


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def desk(address: str, database: str = "") -> Iterator[Desk]:
    """Open a desk in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        opened = Desk(Path(name), address, database)
        try:
            yield opened
        finally:
            opened.close()


def bare(address: str, bodies: list[bytes]) -> None:
    """Post the same bodies with httpx alone."""
    with httpx.Client(trust_env=False) as client:
        for body in bodies:
            client.post(f"{address}/bare", content=body, headers={"Content-Type": "application/json"}).raise_for_status()


def rates(taken: list[float], count: int) -> str:
    """Write messages a second as minimum / median / maximum."""
    return " / ".join(f"{count / t:,.0f}" for t in (max(taken), median(taken), min(taken))) + " /s"


def compare(address: str, total: int, database: str = "") -> None:
    """Deliver messages in rounds, each in turn with a bare loop over as many."""
    count = total // ROUNDS
    bodies = [body(message_of(note(number))) for number in range(count)]
    loop, ours = [], []
    with desk(address, database) as opened:
        for _ in range(ROUNDS):
            opened.queue(count)
            loop += seconds(lambda: bare(address, bodies))
            ours += seconds(opened.deliver)
        assert opened.outbox.counts() == {"waiting": 0, "sent": count * ROUNDS, "dead": 0}
    row("a bare loop of httpx", rates(loop, count), "1.00 ×")
    row(f"claim, sign, send, record: {total:,} messages", rates(ours, count), f"{median(loop) / median(ours):.2f} ×")


def in_flight(address: str, count: int) -> None:
    """Print how many messages a second go out with more of one receiver under way together."""
    for at_once in CHOICES:
        with desk(address) as opened:
            opened.queue(count)
            taken = seconds(lambda: opened.deliver(at_once))  # noqa: B023 - called at once
        row(f"{at_once} under way together", rates(taken, count))


def beside_one_that_hangs(count: int) -> None:
    """Print what a receiver that never answers costs another."""
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(3):
        alone.append(_until_delivered(count, hanging=0))
        beside.append(_until_delivered(count, hanging=THREADS))
    row("alone", rates(alone, count), "1.00 ×")
    row("beside a receiver that never answers", rates(beside, count), f"{median(alone) / median(beside):.2f} ×")


def _until_delivered(count: int, hanging: int) -> float:
    """Return the seconds until one receiver has all, while the other answers none."""
    with ExitStack() as serving, ExitStack() as rest:
        opened = rest.enter_context(desk(serving.enter_context(receiver())))
        opened.outbox.queue(*(note(number, "hang") for number in range(hanging)))
        opened.queue(count)
        sending = threading.Thread(target=opened.deliver)
        begin = time.perf_counter()
        sending.start()
        while opened.outbox.counts()["sent"] < count:
            time.sleep(0.02)
        taken = time.perf_counter() - begin
        opened.stop.set()
        serving.close()  # the calls that hang break off
        sending.join()
    return taken


def peak(count: int) -> tuple[float, float]:
    """Return the MB that a new process takes at most to deliver so many messages, and how long it took."""
    command = [sys.executable, "-m", "benchmarks.delivery", "--peak", str(count)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(said[0]), float(said[1])


def _peak(count: int) -> None:
    with receiver() as address, desk(address) as opened:
        opened.queue(count)
        (taken,) = seconds(opened.deliver)
        assert opened.outbox.counts()["sent"] == count
    said = Path("/proc/self/status").read_text()  # not ru_maxrss, which begins with what the parent took
    print(int(said.partition("VmHWM:")[2].split()[0]) / 1000, taken)


def report(small: bool) -> None:
    """Print how fast 100,000 messages go out, what it takes, and that one receiver slows no other."""
    measure(1_000 if small else 100_000)


def measure(total: int) -> None:
    """Print the same of another number of messages."""
    logging.getLogger("monitor").setLevel(logging.ERROR)  # calls that hang end as failures
    heading(f"delivery to a local receiver, {THREADS} threads of it", "messages, min/median/max", "ratio")
    with receiver() as address:
        compare(address, total)
        in_flight(address, total // 10)
    beside_one_that_hangs(total // 20)
    for count in (total // 10, total):
        memory, taken = peak(count)
        row(f"{count:,} that wait, in a new process: MB at most", f"{memory:,.0f} MB", f"{count / taken:,.0f} /s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.delivery", description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000, help="how many; 100000 without it")
    parser.add_argument("--database", default="", help="an empty database to compare on, SQLite in a new folder without it")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        asyncio.run(_serve())
    elif asked.peak:
        _peak(asked.peak)
    elif asked.database:
        with receiver() as local:
            compare(local, asked.messages, asked.database)
    else:
        measure(asked.messages)
