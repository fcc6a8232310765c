"""The founding case as a digest, a hostile one, and the real client, shared by the tests of the room."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from monitor.alerts.messages import AlertState, Attachment, Chart, Digest, Line, Part, Reason
from monitor.alerts.records import Change
from monitor.months import month
from monitor.notify.base import Message
from monitor.rules.levels import Level
from monitor.sources.http import Client, HttpSettings

MAY = month(2025, 5)
JUNE_20 = datetime(2025, 6, 20, 2, tzinfo=UTC)
MAY_20 = datetime(2025, 5, 20, 2, tzinfo=UTC)
UNITED_STATES, WORLD, GERMANY = (
    "3f6c1d2e-5b1a-5c3e-9e6e-0a3c5c7b9d11",
    "8c1f7a90-0f6b-5222-9333-444455556666",
    "5d2b9c44-7a10-5f0e-8b1c-1f2e3d4c5b6a",
)
HOSTILE = (
    '<b onclick="x">=HYPERLINK("http://evil")</b>\r\nBcc: all@example.com\x1b[31mred\x1b]0;t\x07 {{ 7*7 }} \u202egpj.exe *md*'
)


def reason(rule: str, episode: str, level: Level, change: Change = Change.OPENED, **more: str) -> Reason:
    return Reason(rule=rule, change=change, level=level, words=f"New, {level.label}", episode=episode, **more)


def chart(title: str, figures: dict[int, float], usual: float) -> Chart:
    months = range(min(figures), MAY + 1)
    values = tuple(figures.get(m) for m in months)
    steady = tuple(usual if m > MAY - 9 else None for m in months)
    return Chart(
        title=title, unit="kg", first=months[0], values=values, usual=steady, judged=MAY, events=((MAY - 1, "export control"),)
    )


def line(partner: str, key: str, figure: str, sentences: tuple[str, ...], outcome: str, level: Level, **more: object) -> Line:
    series = f"gacc/magnets/CN/{key}/CN8:85051110/export/weight/kg/reported"
    fields: dict[str, object] = {"part": Part.NEW, "value": None, "unit": "kg", "month": MAY, **more}
    title = f"Magnets, China to {partner}"
    return Line(series=series, title=title, figure=figure, sentences=sentences, outcome=outcome, level=level, **fields)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def digest() -> Digest:
    """The release of May 2025 as it is told."""
    lines = (
        line(
            "World", "WORLD", "1,238 t in May 2025",
            ("74.3% below a year earlier (4,812 t) and 25% of its usual 4,912 t (median of 9 of 24 months held).",),
            "Worse, critical (was warning)", Level.CRITICAL, part=Part.WORSE, value=1238.47e3,
            reasons=(reason("magnet-drop", WORLD, Level.CRITICAL, Change.WORSENED),),
            chart=chart("Magnets, China to World", {MAY - 12: 4811.5e3, MAY - 1: 2626.7e3, MAY: 1238.47e3}, 4912e3),
        ),
        line(
            "United States", "US", "46 t in May 2025",
            (
                "93.3% below a year earlier (689 t) and 7% of its usual 628 t (median of 5 of 24 months held).",
                "Lowest of the 8 months held.",
                "Seasonal model: not yet (7 of 24 months).",
            ),
            "New, critical", Level.CRITICAL, value=46e3,
            reasons=(
                reason(
                    "magnet-drop", UNITED_STATES, Level.CRITICAL,
                    summary="Licences began on 4 April.", runbook="docs/runbooks/magnets.md",
                ),
                reason("magnet-below-last-year", WORLD, Level.CRITICAL, runbook="docs/runbooks/magnets.md"),
            ),
            chart=chart("Magnets, China to United States", {MAY - 36: 627e3, MAY - 12: 689e3, MAY: 46e3}, 628e3),
        ),
        line(
            "Germany", "DE", "209 t in May 2025", ("21% of its usual 995 t (median of 4 of 24 months held).",), "New, critical",
            Level.CRITICAL, value=209e3, reasons=(reason("magnet-drop", GERMANY, Level.CRITICAL),),
            chart=chart("Magnets, China to Germany", {MAY - 9: 1150e3, MAY - 8: 1007e3, MAY - 7: 717e3, MAY: 209e3}, 995e3),
        ),
    )  # fmt: skip
    drop = {"alertname": "magnet-drop", "partner": "WORLD"}
    annotations = {"summary": "46 t in May 2025", "release": "gacc-2025-05"}
    labels = {"alertname": "magnet-drop", "partner": "US", "severity": "critical"}
    alerts = (
        AlertState(episode=UNITED_STATES, labels=labels, annotations=annotations, starts_at=JUNE_20, ends_at=None),
        AlertState(episode=WORLD, labels={**drop, "severity": "warning"}, annotations={}, starts_at=MAY_20, ends_at=JUNE_20),
        AlertState(episode=WORLD, labels={**drop, "severity": "critical"}, annotations={}, starts_at=JUNE_20, ends_at=None),
    )
    table = "series,figure,change\r\nMagnets to India,150 t,-21.5\r\n=1+1,@x,-cmd\r\n"
    return Digest(
        subject="China magnets, May 2025: 2 new drops, 1 worse",
        title="China magnets, May 2025",
        source="gacc", dataset="magnets", release="gacc-2025-05", published_at=JUNE_20, estimated=True, lines=lines,
        more="And 2 more, 4% of the move: monitor alerts list --release gacc-2025-05.",
        still_open="Still open: 1, Magnets, China to Vietnam (since March 2025).",
        not_judged="Not judged: 6 of 14 figures, too few months held.",
        chance="Of 2,158 figures judged, 9 alerts; about 2 by chance.",
        notes=("1 figure was not published: India.",),
        credit="Source: General Administration of Customs of China, as quoted by the press, 20 June 2025 (time estimated).",
        alerts=alerts,
        attachments=(Attachment(name="alerts.csv", media_type="text/csv", text=table),),
        group={"release": "gacc-2025-05", "route": "buyers"},
    )  # fmt: skip


@pytest.fixture(scope="session")
def hostile(digest: Digest) -> Digest:
    """A digest in which every name that a source can choose tries to be something else."""
    first = digest.lines[0]
    why = dataclasses.replace(first.reasons[0], summary=HOSTILE, runbook=HOSTILE)
    bad_chart = dataclasses.replace(first.chart, title=HOSTILE, events=((MAY, HOSTILE),))  # type: ignore[type-var]
    bad = dataclasses.replace(
        first, title=HOSTILE, figure=HOSTILE, sentences=(HOSTILE,), outcome=HOSTILE, reasons=(why,), chart=bad_chart
    )
    table = Attachment(name="../../etc/pass\nwd.csv", media_type="text/csv", text='name\r\n"=HYPERLINK(""x"")"\r\n')
    words = {"subject": HOSTILE, "title": HOSTILE, "more": HOSTILE, "credit": HOSTILE, "release": "../../../etc/" + HOSTILE}
    return dataclasses.replace(digest, lines=(bad,), notes=(HOSTILE,), attachments=(table,), **words)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def message(digest: Digest) -> Message:
    return Message(
        id="0b7e2f44-93a1-5d1c-8a77-6f5e4d3c2b1a", receiver="buyers", route="buyers", thread="buyers/buyers", created_at=JUNE_20,
        digest=digest,
    )  # fmt: skip


@pytest.fixture
def client() -> Iterator[Client]:
    """The real client; loopback is allowed, and calls need not be a second apart."""
    settings = HttpSettings(connect_s=2, read_s=2, total_s=5, per_host_per_minute=60_000, allow_hosts=("127.0.0.1", "localhost"))
    with Client(settings) as found:
        yield found
