"""
The one page that tells a release to a route: a cell stands once, worst first, and nothing is cut without being counted.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.alerts.cells import PARTS, Item, move_of, ordered, ranked
from monitor.alerts.confirming import confirmed_lines
from monitor.alerts.lines import Cell, gathered, line_of, line_of_many
from monitor.alerts.messages import Attachment, Digest, Line, Part
from monitor.alerts.records import Change
from monitor.alerts.sentences import Names
from monitor.alerts.stages import Confirmed, Stage
from monitor.alerts.states import alert_states
from monitor.months import format_month, say_month
from monitor.rules.levels import Direction, Level
from monitor.series import Release
from monitor.speech import PLAIN, speaking, spoken
from monitor.wording import join_words, say_count, say_number, say_percent


@dataclass(frozen=True, kw_only=True)
class Frame:
    """
    What surrounds the lines of a digest: the release, its words, and the sentences at the foot.

    `quiet` is said of a release without a line: how much could be judged belongs to it. `confirmed` is what another stage of
    the month told as this one finds it.
    """

    release: Release
    title: str
    credit: str
    quiet: str = "nothing unusual"
    full_lines: int = 12
    charts: int = 4
    still_open: str = ""
    not_judged: str = ""
    chance: str = ""
    revised: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    public_url: str = ""
    stage: Stage | None = None
    confirmed: tuple[Confirmed, ...] = ()


def compose(items: Iterable[Item], frame: Frame, names: Names) -> Digest:
    """Write the digest of some items; without any it is the one line of a quiet release."""
    items = list(items)
    cells = ranked(items)
    groups = gathered(cells)
    shown, hidden = groups[: frame.full_lines], [cell for group in groups[frame.full_lines :] for cell in group]
    full = [_drawn(group, names, n < frame.charts) for n, group in enumerate(shown)]
    release = frame.release
    return Digest(
        subject=subject(items, frame),
        title=_title(frame),
        source=release.source,
        dataset=release.dataset,
        release=release.id,
        published_at=release.published_at,
        estimated=release.estimated,
        lines=(*full, *confirmed_lines(frame.confirmed, names)),
        more=_more(hidden, cells, frame),
        still_open=frame.still_open,
        not_judged=frame.not_judged,
        chance=frame.chance,
        revised=frame.revised,
        notes=(*frame.notes, *names.notes_of(cell[0].facts.key for group in shown for cell in group)),
        credit=frame.credit,
        alerts=alert_states([*items, *(item for one in frame.confirmed for item in one.cell)], release, frame.public_url),
        attachments=(_table(cells, names, release),) if len(cells) > len(full) else (),
        group=_group(frame),
        conversation=f"{frame.stage.thread} {format_month(release.newest)}" if frame.stage else "",
    )


def _title(frame: Frame) -> str:
    """Name the dataset and month, and which stage of it this is."""
    words = f" ({frame.stage.words(frame.release.published_at)})" if frame.stage else ""
    return f"{frame.title}, {say_month(frame.release.newest)}{words}"


def _group(frame: Frame) -> dict[str, str]:
    """Return what machines group by: all stages of a month are one group."""
    release = frame.release
    if frame.stage:
        return {"thread": frame.stage.thread, "period": format_month(release.newest)}
    return {"source": release.source, "dataset": release.dataset, "release": release.id}


def _drawn(group: list[Cell], names: Names, with_chart: bool) -> Line:
    """Return the line of a group, with the picture of its first cell where one is wanted."""
    if len(group) > 1:
        return line_of_many(group, names)
    line, picture = line_of(ordered(group[0]), names), next((item.picture for item in group[0] if item.picture), None)
    return replace(line, chart=picture()) if picture and with_chart else line


def subject(items: list[Item], frame: Frame) -> str:
    """Say what and how many: ``China magnets, Oct 2025: 1 new drop, 1 first rise``; a cell counts once, as it stands."""
    counted = Counter(_word(ordered(cell)[0]) for cell in ranked(items))
    said = [say_count(count, *word) for word, count in counted.items()]
    said += [f"{len(frame.confirmed)} confirmed"] if frame.confirmed else []
    return f"{frame.title}, {say_month(frame.release.newest, short=True)}: {', '.join(said) or frame.quiet}"


def _word(item: Item) -> tuple[str, str]:
    """Return how a change is counted in a subject, as one and as many."""
    way = {Direction.DROP: "drop", Direction.RISE: "rise"}.get(item.direction, "figure out of line")
    if item.again:
        return "still open", "still open"
    if item.change is None:
        return "open at the start", "open at the start"
    if item.corrects:
        return "corrected", "corrected"
    if PARTS[item.change] is Part.NEW and item.news[0]:
        return item.news
    if item.change is Change.EVENT:
        return "event", "events"
    if PARTS[item.change] is Part.NEW:
        return f"new {way}", f"new {way.replace('figure', 'figures') if ' ' in way else way + 's'}"
    words = {Change.WORSENED: "worse", Change.EASED: "eased", Change.NOT_JUDGED: "not judged"}
    said = words.get(item.change, item.change.value)
    return said, said


def _more(hidden: list[Cell], cells: list[Cell], frame: Frame) -> str:
    """Say what the limit left out, and where it is: ``And 9 more, 4% of the move, in the attached table.``"""
    if not hidden:
        return ""
    grave = sum(max(item.level for item in cell) >= Level.CRITICAL for cell in hidden)
    critical = f", {say_count(grave, 'of them critical', 'of them critical')}" if grave else ""
    stays = all(item.again for cell in hidden for item in cell)
    which = " that stay open" if stays and len(hidden) > 1 else " that stays open" if stays else _part_of_the_move(hidden, cells)
    said = f"And {say_number(len(hidden))} more{critical}{which}, in the attached table."
    return f"{said} All of them: {frame.public_url.rstrip('/')}/releases/{frame.release.id}" if frame.public_url else said


def _part_of_the_move(hidden: list[Cell], cells: list[Cell]) -> str:
    """Say which part of all distances from the usual is hidden; "" where units differ, for they cannot be added."""
    whole = sum(move_of(cell[0].facts) for cell in cells)
    if len({cell[0].facts.key.unit for cell in cells}) > 1 or not whole:
        return ""
    return f", {say_percent(sum(move_of(cell[0].facts) for cell in hidden) / whole, 0)} of the move"


def _table(cells: list[Cell], names: Names, release: Release) -> Attachment:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["series", "title", "period", "value", "unit", "level", "section", "change", "rules", "episodes"])
    as_read = spoken()
    with speaking(PLAIN):  # a file is for programs, whoever reads the page
        found = cells if as_read == PLAIN else [[item.anew() for item in cell] for cell in cells]
        lines = [line_of(ordered(cell), names) for cell in found]
    for line in lines:
        rules = join_words([reason.rule for reason in line.reasons])
        episodes = " ".join(reason.episode for reason in line.reasons)
        value = "" if line.value is None else repr(line.value)
        period = format_month(line.month)
        writer.writerow(
            [line.series, line.title, period, value, line.unit, line.level.label, line.part.value, line.outcome, rules, episodes]
        )
    return Attachment(name=f"{release.id}.csv", media_type="text/csv", text=out.getvalue())


def operations(subject_words: str, sentence: str, *, at: datetime, notes: tuple[str, ...] = ()) -> Digest:
    """Write the page that tells operators of a fact about the service itself."""
    return Digest(subject=subject_words, title=subject_words, kind="operations", published_at=at, notes=(sentence, *notes))
