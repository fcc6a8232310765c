"""
The one page that tells a release to a route: a cell stands once, worst first, and nothing is cut without being counted.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.alerts.facts import Facts
from monitor.alerts.records import (
    AlertState,
    Attachment,
    Change,
    Chart,
    Digest,
    Episode,
    Line,
    Part,
    Path,
    Reason,
)
from monitor.alerts.sentences import Names, comparison, doubts, figure, is_country, model, rank, record
from monitor.months import format_month, say_month
from monitor.rules.levels import Direction, Level
from monitor.series import Release
from monitor.wording import join_words, say_count, say_number, say_percent

PARTS = {
    Change.WORSENED: Part.WORSE,
    Change.OPENED: Part.NEW,
    Change.EVENT: Part.NEW,
    Change.OPENED_BY_REVISION: Part.NEW,
    Change.WITHDRAWN: Part.CORRECTED,
    Change.CORRECTED: Part.CORRECTED,
    Change.RECOVERED: Part.RECOVERED,
    Change.NEW_NORMAL: Part.RECOVERED,
    Change.EASED: Part.EASED,
    Change.EASING: Part.EASED,
    Change.NOT_JUDGED: Part.EASED,
}

Picture = Callable[[], Chart]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One change that somebody is told: whose, what, and the facts of its cell. `change` is None for "open at the start"."""

    episode: Episode
    change: Change | None
    level: Level
    previous: Level
    facts: Facts
    outcome: str
    direction: Direction
    old: Path | None = None
    summary: str = ""
    runbook: str = ""
    first_word: str = ""
    readings: tuple[str, ...] = ()
    picture: Picture | None = None

    @property
    def part(self) -> Part:
        """The section it belongs to."""
        return Part.START if self.change is None else PARTS[self.change]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What surrounds the lines of a digest: the release, its words, and the sentences at the foot."""

    release: Release
    title: str
    credit: str
    full_lines: int = 12
    charts: int = 4
    still_open: str = ""
    not_judged: str = ""
    chance: str = ""
    notes: tuple[str, ...] = ()
    public_url: str = ""


def compose(items: Iterable[Item], frame: Frame, names: Names) -> Digest:
    """Write the digest of some items; without any it is the one line of a quiet release."""
    items = list(items)
    cells = _ranked(items)
    drawn = [(_line(_ordered(cell), names), _picture(cell)) for cell in cells]
    lines = [line for line, _ in drawn]
    full = [
        replace(line, chart=picture()) if picture and n < frame.charts else line
        for n, (line, picture) in enumerate(drawn[: frame.full_lines])
    ]
    release = frame.release
    return Digest(
        subject=subject(items, frame),
        title=f"{frame.title}, {say_month(release.newest)}",
        source=release.source,
        dataset=release.dataset,
        release=release.id,
        published_at=release.published_at,
        estimated=release.estimated,
        lines=tuple(full),
        more=_more(cells, frame.full_lines),
        still_open=frame.still_open,
        not_judged=frame.not_judged,
        chance=frame.chance,
        notes=frame.notes,
        credit=frame.credit,
        alerts=alert_states(items, release, frame.public_url),
        attachments=(_table(lines, release),) if len(lines) > frame.full_lines else (),
        group={"source": release.source, "dataset": release.dataset, "release": release.id},
    )


def _ranked(items: list[Item]) -> list[list[Item]]:
    """Return the items of each cell, in the order of the sections, then by level, then by how far the figure moved."""
    cells: dict[tuple[str, int], list[Item]] = {}
    for item in items:
        cells.setdefault((str(item.facts.key), item.facts.month), []).append(item)
    return sorted(cells.values(), key=_weight)


def _ordered(cell: list[Item]) -> list[Item]:
    return sorted(cell, key=lambda item: (list(Part).index(item.part), -item.level, item.episode.rule))


def _weight(cell: list[Item]) -> tuple[int, int, float, str]:
    lead = _ordered(cell)[0]
    return list(Part).index(lead.part), -max(item.level for item in cell), -_move(lead.facts), str(lead.facts.key)


def _move(facts: Facts) -> float:
    """Return how far the figure is from its usual, in its unit; 0 where that is not known."""
    distance = abs(facts.value - facts.usual)
    return 0.0 if math.isnan(distance) else distance


def _picture(cell: list[Item]) -> Picture | None:
    return next((item.picture for item in cell if item.picture), None)


def _line(cell: list[Item], names: Names) -> Line:
    lead, facts = cell[0], cell[0].facts
    return Line(
        part=lead.part,
        series=str(facts.key),
        month=facts.month,
        title=names.title(facts.key),
        figure=figure(facts),
        sentences=tuple(sentences(facts, cell)),
        outcome=_outcome(cell),
        level=max(item.level for item in cell),
        reasons=tuple(_reason(item) for item in cell),
        value=facts.value if math.isfinite(facts.value) else None,
        unit=facts.key.unit,
    )


def _outcome(cell: list[Item]) -> str:
    """Join what the rules say of one cell; where they say different things, each is named."""
    rules: dict[str, list[str]] = {}
    for item in cell:
        rules.setdefault(item.outcome, []).append(item.episode.rule)
    if len(rules) == 1:
        return cell[0].outcome
    said = [f"{words} by {join_words(names)}" for words, names in rules.items()]
    return "; ".join([said[0], *(words[0].lower() + words[1:] for words in said[1:])])


def sentences(facts: Facts, cell: list[Item]) -> list[str]:
    """Return what follows the figure: comparison, record, rank, expectation, doubts."""
    events = all(item.change is Change.EVENT for item in cell)
    moving = any(item.change in (Change.EVENT, Change.RECOVERED, Change.NEW_NORMAL, Change.EASED) for item in cell)
    read = list(dict.fromkeys(words for item in cell for words in item.readings))
    said = [comparison(facts, month_before=moving, usual=not events), *map(_sentence, read), record(facts)]
    if events and is_country(facts.key):
        said.append(rank(facts))
    return [sentence for sentence in (*said, model(facts), *doubts(facts)) if sentence]


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _reason(item: Item) -> Reason:
    return Reason(
        rule=item.episode.rule,
        change=item.change or Change.OPENED,
        level=item.level,
        words=item.outcome,
        episode=item.episode.id,
        summary=item.summary,
        runbook=item.runbook,
    )


def subject(items: list[Item], frame: Frame) -> str:
    """Say what and how many: ``China magnets, Oct 2025: 1 new drop, 1 first rise``; a cell counts once, as it stands."""
    counted = Counter(_word(_ordered(cell)[0]) for cell in _ranked(items))
    said = [say_count(count, *word) for word, count in counted.items()]
    return f"{frame.title}, {say_month(frame.release.newest, short=True)}: {', '.join(said) or 'nothing unusual'}"


def _word(item: Item) -> tuple[str, str]:
    """Return how a change is counted in a subject, as one and as many."""
    way = {Direction.DROP: "drop", Direction.RISE: "rise"}.get(item.direction, "figure out of line")
    if item.change is None:
        return "open at the start", "open at the start"
    if item.change is Change.EVENT:
        word = item.first_word or "event"
        return word, f"{word}s"
    if PARTS[item.change] is Part.NEW:
        return f"new {way}", f"new {way.replace('figure', 'figures') if ' ' in way else way + 's'}"
    words = {Change.WORSENED: "worse", Change.EASED: "eased", Change.NOT_JUDGED: "not judged"}
    said = words.get(item.change, item.change.value)
    return said, said


def _more(cells: list[list[Item]], limit: int) -> str:
    """Say what the limit left out: ``And 9 more, 4% of the move, in the attached table.``"""
    hidden = cells[limit:]
    if not hidden:
        return ""
    grave = sum(max(item.level for item in cell) >= Level.CRITICAL for cell in hidden)
    critical = f", {say_count(grave, 'of them critical', 'of them critical')}" if grave else ""
    return f"And {say_number(len(hidden))} more{critical}{_part_of_the_move(hidden, cells)}, in the attached table."


def _part_of_the_move(hidden: list[list[Item]], cells: list[list[Item]]) -> str:
    """Say which part of all distances from the usual is hidden; "" where units differ, for they cannot be added."""
    whole = sum(_move(cell[0].facts) for cell in cells)
    if len({cell[0].facts.key.unit for cell in cells}) > 1 or not whole:
        return ""
    return f", {say_percent(sum(_move(cell[0].facts) for cell in hidden) / whole, 0)} of the move"


def _table(lines: list[Line], release: Release) -> Attachment:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["series", "title", "period", "value", "unit", "level", "section", "change", "rules", "episodes"])
    for line in lines:
        rules = join_words([reason.rule for reason in line.reasons])
        episodes = " ".join(reason.episode for reason in line.reasons)
        value = "" if line.value is None else repr(line.value)
        period = format_month(line.month)
        writer.writerow(
            [line.series, line.title, period, value, line.unit, line.level.label, line.part.value, line.outcome, rules, episodes]
        )
    return Attachment(name=f"{release.id}.csv", media_type="text/csv", text=out.getvalue())


def alert_states(items: Iterable[Item], release: Release, public_url: str = "") -> tuple[AlertState, ...]:
    """
    Return what machines are told: only alerts whose last sent state changed.

    A changed level ends the old label set and starts the new one, because labels name an alert.
    """
    found: list[AlertState] = []
    steps: dict[str, list[Item]] = {}  # several steps of one release are one change of state
    for item in items:
        steps.setdefault(item.episode.id, []).append(item)
    for first, *_, item in ([mine[0], *mine] for mine in steps.values()):
        before, after = _sent(first.old), _sent(item.episode.path)
        if item.change is Change.EVENT:
            found.append(_alert(item, item.level, release, ended=False, url=public_url))
            continue
        if before == after:
            continue
        if before is not None:
            found.append(_alert(item, before, release, ended=True, url=public_url))
        if after is not None:
            found.append(_alert(item, after, release, ended=False, url=public_url))
    return tuple(found)


def _sent(path: Path | None) -> Level | None:
    """Return the level under which an alert fires for machines; None while it does not."""
    return path.level if path is not None and path.state.value == "firing" else None


def _alert(item: Item, level: Level, release: Release, *, ended: bool, url: str) -> AlertState:
    facts = item.facts
    annotations = {
        "summary": f"{figure(facts)}: {comparison(facts) or item.outcome}",
        "change": item.outcome,
        "release": release.id,
        "evidence": f"monitor alerts show {item.episode.id[:8]}",
    }
    if item.runbook:
        annotations["runbook"] = item.runbook
    return AlertState(
        episode=item.episode.id,
        labels={**item.episode.labels, "severity": level.label},
        annotations=annotations,
        starts_at=item.episode.opened_at or release.published_at,
        ends_at=release.published_at if ended else None,
        url=f"{url.rstrip('/')}/alerts/{item.episode.id}" if url else "",
    )


def operations(subject_words: str, sentence: str, *, at: datetime, notes: tuple[str, ...] = ()) -> Digest:
    """Write the page that tells operators of a fact about the service itself."""
    return Digest(subject=subject_words, title=subject_words, kind="operations", published_at=at, notes=(sentence, *notes))
