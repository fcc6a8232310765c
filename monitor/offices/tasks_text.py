"""What a task says: which boxes and codes to tick, and where the files go; from what the entry says already, where it can."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from monitor.app import App
from monitor.baskets.records import Code
from monitor.months import Month
from monitor.panel import Ints
from monitor.series import Release
from monitor.settings import SourceSettings
from monitor.sources.base import Source
from monitor.wording import join_words, say_moment, say_months


def text_of(app: App, entry: SourceSettings, source: Source, months: Sequence[Month], held: list[Release]) -> list[str]:
    """Return the sentences of a task."""
    return list(_sentences(app, entry, source, months, held))


def _sentences(app: App, entry: SourceSettings, source: Source, months: Sequence[Month], held: list[Release]) -> Iterator[str]:
    task = entry.task
    assert task is not None
    due = max(at for month in months if (at := source.due(month)) is not None)
    said = say_months(months)
    yield f"{said} {'is' if len(months) == 1 else 'are'} to be fetched by hand: due since {say_moment(due)}."
    if page := task.page or getattr(source, "page", ""):
        yield f"Open {page}."
    if boxes := [*getattr(source, "boxes", ()), *task.boxes]:
        yield f"Tick: {'; '.join(boxes)}."
    if codes := codes_of(app, entry, source, months, held):
        yield f"Codes: {join_words(list(codes))}."
    yield _where(entry)
    until = say_moment(app.clock() + task.after)
    other = task.escalate_to or app.settings.operators
    yield f"What is understood of them is answered. If they are not in by {until}, {other} is told."


def _where(entry: SourceSettings) -> str:
    folder = getattr(entry.parameters, "folder", None)
    by_hand = f"`monitor import {entry.entry} FILE`"
    return f"Put the files into {folder}, or give them to {by_hand}." if folder else f"Give the files to {by_hand}."


def codes_of(
    app: App, entry: SourceSettings, source: Source, months: Iterable[Month], held: Sequence[Release]
) -> tuple[str, ...]:
    """Return the codes to tick: those of the task, else of its basket in these months, else of the release before."""
    task = entry.task
    if task is None or task.codes:
        return task.codes if task is not None else ()
    if task.basket:
        basket, asked = app.baskets.baskets[task.basket], np.array(list(months))
        return tuple(dict.fromkeys(code.digits for code in basket.summed if _is_ticked(code, entry, source, asked)))
    products = held[-1].coverage.products if held else None
    return tuple(product.partition(":")[2] for product in products or ())


def _is_ticked(code: Code, entry: SourceSettings, source: Source, months: Ints) -> bool:
    """Tell whether a code of a basket belongs to the form that a source has, in one of these months."""
    form, parameters = getattr(source, "nomenclature", ""), entry.parameters
    reporter, flow = getattr(source, "reporter", getattr(parameters, "reporter", "")), getattr(parameters, "flow", "")
    here = code.place.admits(entry.name, reporter, flow) and form in ("", code.nomenclature)
    return here and bool(code.valid(months).any())
