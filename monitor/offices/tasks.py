"""
Tasks: what a person fetches where no program may ask.

On the day and hour at which figures are due the owner is told what to tick and where to put the files; once it is not done in
time, somebody else is told too. Whatever is put there is answered with what was understood of it. An open task is a fact like
any other: it begins once, is over once, and lives in the same table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from monitor.alerts.digest import operations
from monitor.app import App
from monitor.errors import SourceFormatChanged
from monitor.months import Month, format_month, month_of, parse_month, say_month
from monitor.offices.asking import LONGEST_LAG
from monitor.offices.tasks_text import codes_of, text_of
from monitor.operations import messages, over, raised
from monitor.rules.schema import Fact
from monitor.series import Release, ReleaseState
from monitor.settings import SourceSettings
from monitor.sources.base import ReleaseNotice, Source, Table
from monitor.sources.understood import understood
from monitor.store.episodes import Condition
from monitor.wording import join_words, say_moment, say_months


@dataclass(frozen=True, kw_only=True)
class OpenTask:
    """A task that is not done: of which entry and months, since when, and what it says; `overdue` once it was escalated."""

    entry: SourceSettings
    months: tuple[Month, ...]
    since: datetime
    overdue: bool
    lines: tuple[str, ...]

    @property
    def owner(self) -> str:
        """Who is to do it."""
        return self.entry.task.owner if self.entry.task is not None else ""

    @property
    def others(self) -> tuple[str, ...]:
        """Who hears of it beside the owner, once it is overdue."""
        given = self.entry.task
        return (given.escalate_to,) if given is not None and given.escalate_to not in ("", given.owner) else ()

    @property
    def subject(self) -> str:
        """Its name among the facts that hold."""
        return f"{self.entry.entry} {format_month(self.months[0])}/{format_month(self.months[-1])}"

    @property
    def title(self) -> str:
        """What people call it."""
        return title_of(self.entry, self.months)


def title_of(entry: SourceSettings, months: Iterable[Month]) -> str:
    """Return what people call a task: its entry and months."""
    return f"{entry.entry}, {say_months(months)}"


def open_tasks(app: App) -> list[OpenTask]:
    """Return the tasks that are not done, the oldest first."""
    conditions = app.conditions.open()
    overdue = {one.subject for one in conditions if one.kind == Fact.TASK_OVERDUE}
    return [task for one in conditions if one.kind == Fact.TASK and (task := _task(app, one, overdue)) is not None]


def _task(app: App, condition: Condition, overdue: set[str]) -> OpenTask | None:
    """Read a task back; None where its entry has none any more."""
    name, _, span = condition.subject.rpartition(" ")
    entry = next((entry for entry in app.settings.sources if entry.entry == name and entry.task is not None), None)
    if entry is None:
        return None
    first, last = map(parse_month, span.split("/"))
    late = condition.subject in overdue
    months = tuple(range(first, last + 1))
    lines = tuple(condition.sentence.splitlines())
    return OpenTask(entry=entry, months=months, since=condition.raised_at, overdue=late, lines=lines)


def _mine(app: App, entry: SourceSettings) -> list[OpenTask]:
    return [task for task in open_tasks(app) if task.entry.entry == entry.entry]


def remind(app: App, entry: SourceSettings, source: Source) -> None:
    """Tell the owner of an entry what is to be fetched now, close what is done, and tell what is not done in time."""
    if entry.task is None:
        return
    mine = _mine(app, entry)
    held = _held(app, entry)
    _close(app, [task for task in mine if not _lacking(task, app, source, held)])
    if months := _due(app, entry, source, mine):
        _begin(app, entry, source, months)
    for task in _mine(app, entry):
        if not task.overdue and app.clock() >= task.since + entry.task.after:
            _escalate(app, task)


def prepare(app: App, entry: SourceSettings) -> None:
    """Make the folder of a new entry with a task: the owner is told to put files there. One that held files is not made again."""
    folder = getattr(entry.parameters, "folder", None)
    if entry.task is not None and folder is not None and not app.releases.find(entry.name, entry.dataset):
        with suppress(OSError):  # reading it says what is wrong
            folder.mkdir(parents=True, exist_ok=True)


def _due(app: App, entry: SourceSettings, source: Source, mine: list[OpenTask]) -> list[Month]:
    """Return the months that are due, not held and not asked for; on a new desk those that came out last."""
    seen = [release.newest for release in _held(app, entry)] + [month for task in mine for month in task.months]
    current = month_of(app.clock().date())
    dues = {month: source.due(month) for month in range(max(seen) + 1 if seen else current - LONGEST_LAG, current)}
    due = {month: at for month, at in dues.items() if at is not None and at <= app.clock()}
    return [month for month, at in due.items() if seen or at == max(due.values())]


def _begin(app: App, entry: SourceSettings, source: Source, months: list[Month]) -> None:
    lines = tuple(text_of(app, entry, source, months, _held(app, entry)))
    task = OpenTask(entry=entry, months=tuple(months), since=app.clock(), overdue=False, lines=lines)
    raised(app, Fact.TASK, task.subject, lines, to=(task.owner,), said=task.title)


def _escalate(app: App, task: OpenTask) -> None:
    """Tell whoever is named for it, and the owner once more."""
    since = f"Not done since {say_moment(task.since)}; its owner is {task.owner}."
    to = (*(task.others or (app.settings.operators,)), task.owner)
    raised(app, Fact.TASK_OVERDUE, task.subject, (since, *task.lines), to=to, said=task.title)


def _close(app: App, done: list[OpenTask]) -> None:
    """Record that tasks are done; whoever heard that they were overdue hears of it, the owner by the answer to the files."""
    for task in done:
        over(app, (Fact.TASK_OVERDUE,), task.subject, to=task.others or (app.settings.operators,), said=task.title)
        over(app, (Fact.TASK,), task.subject, said=task.title)


def answer(app: App, entry: SourceSettings, notice: ReleaseNotice, table: Table, release: Release | None) -> None:
    """Tell the owner what was understood of files, and what is still to be fetched; `release` is None where nothing was new."""
    if entry.task is None:
        return
    source, held = app.source(entry), _held(app, entry)
    lacking = [(task, _lacking(task, app, source, held)) for task in _mine(app, entry)]
    needed = [sentence for _, sentences in lacking for sentence in sentences]
    words = "the files are in" if not needed else "files came in, and more are needed"
    notes = [understood(table, summed=entry.sums_partners), _standing(release)]
    without = [
        code for code in codes_of(app, entry, source, table.coverage.periods, held) if not _has(table.coverage.products, code)
    ]
    notes += [f"No row of {join_words(without)}: not ticked, or not traded."] if without else []
    notes += [f"Still needed: {join_words(needed)}."] if needed else []
    identity = release.id if release is not None else f"{notice.name}|{app.clock():%Y-%m-%dT%H:%M}"
    _tell_owner(app, entry, f"{title_of(entry, table.coverage.periods)}: {words}", notes, identity)
    _close(app, [task for task, missing in lacking if not missing])


def _standing(release: Release | None) -> str:
    if release is None:
        return "The desk holds the same already: nothing was taken in."
    if release.state is ReleaseState.HELD:
        return f"Release {release.id} is held: {release.note}."
    return f"Release {release.id} is judged next."


def refused(app: App, entry: SourceSettings, notice: ReleaseNotice, error: SourceFormatChanged) -> None:
    """Tell the owner what is wrong with files that were put there; the same files are told once."""
    if entry.task is not None:
        folder = getattr(entry.parameters, "folder", None)
        place = f" in {folder}" if folder else ""
        notes = [f"{error}.", f"Nothing was taken in, and the file is kept; put another in its place{place}."]
        needed = [title_of(entry, task.months).partition(", ")[2] for task in _mine(app, entry)]
        notes += [f"Still needed: {join_words(needed)}."] if needed else []
        _tell_owner(app, entry, f"{entry.entry}: a file cannot be read", notes, f"{notice.name}|{error}")


def _tell_owner(app: App, entry: SourceSettings, subject: str, notes: list[str], identity: str) -> None:
    assert entry.task is not None
    first, *rest = notes
    digest = operations(subject, first, at=app.clock(), notes=tuple(rest))
    app.outbox.queue(*messages(app, entry.task.owner, Fact.TASK.value, f"answer|{entry.entry}|{identity}", digest))


def _lacking(task: OpenTask, app: App, source: Source, held: list[Release]) -> list[str]:
    """
    Return what of a task did not come in: months, or codes of months.

    Only codes that the month before had are waited for: of the others nobody knows whether they were not ticked or not traded.
    """
    before = [release for release in held if release.newest < task.months[0]]
    codes = codes_of(app, task.entry, source, task.months, before)
    had = _products(before, task.months[0] - 1)
    return list(_gaps(task.months, [code for code in codes if any(_has(products, code) for products in had)], held))


def _products(held: list[Release], month: Month) -> list[tuple[str, ...] | None]:
    """Return the products of the releases that cover a month."""
    return [release.coverage.products for release in held if month in release.coverage.periods]


def _gaps(months: Iterable[Month], codes: list[str], held: list[Release]) -> Iterator[str]:
    for month in months:
        of_month = _products(held, month)
        missing = [code for code in codes if not any(_has(products, code) for products in of_month)]
        if not of_month:
            yield say_month(month)
        elif missing:
            yield f"{join_words(missing)} in {say_month(month)}"


def _has(products: tuple[str, ...] | None, code: str) -> bool:
    return products is None or any(product.partition(":")[2].startswith(code) for product in products)


def _held(app: App, entry: SourceSettings) -> list[Release]:
    """Return the releases that came in, those that wait for a decision included."""
    found = app.releases.find(entry.name, entry.dataset)
    return [release for release in found if release.state is not ReleaseState.REJECTED]
