"""
What was expected of every row of a file: read, judged by all cores and written block by block, so that size is only time.

Where the rows of a series stand together, a few blocks are in memory, whatever the number of series (8 bytes a series are
kept to see that none comes twice). Where they do not, the file is read whole.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitor.detection.arrow import Place, is_text
from monitor.detection.frames import ADDED, Judged, judge
from monitor.detection.longtable import Columns, LongTable, last_run, long_table
from monitor.errors import MonitorError
from monitor.months import FIRST, LAST
from monitor.processes import processes
from monitor.sources.batches import LongFile, open_long
from monitor.store.files import refuse_nowhere, write_whole
from monitor.store.longfile import form_of, opened
from monitor.wording import join_words

if TYPE_CHECKING:
    from monitor.panel import Ints

HELD = 20_000_000
"""Rows of a file whose series do not stand together that are taken into memory: about 4 GB."""
WORTH = 2_000_000
"""Rows from which on more processes gain more than their start costs."""
_AHEAD = 3  # pieces that are read before the first of them is written
_T = TypeVar("_T")
_Asked: TypeAlias = "list[tuple[Ints, Future[Judged]]]"


@dataclass(frozen=True, kw_only=True)
class Request:
    """
    What is asked of a file.

    Parameters
    ----------
    path, out : Path
        What is read and what is written. What `out` is to be says its name: ``.parquet``, or ``.csv``, also with ``.gz``.
    key : tuple of str, optional
        The columns that name a series; all but `period` and `value` where left out.
    resolution : float
        The step that figures are rounded to; 0 where they are exact.
    at_least : float
        Only rows with a surprise of this size are written; 0 for all.
    workers : int, optional
        Processes that judge a large file; one for each core where left out.
    """

    path: Path
    out: Path
    key: tuple[str, ...] | None = None
    period: str = "period"
    value: str = "value"
    resolution: float = 0.0
    at_least: float = 0.0
    workers: int | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How many series and rows were read, how many rows judged and written."""

    series: int = 0
    rows: int = 0
    judged: int = 0
    written: int = 0

    def plus(self, figures: LongTable, *, judged: int, written: int) -> Answer:
        """Return what is known after one more piece."""
        series, rows = self.series + len(figures.keys), self.rows + len(figures.series)
        return Answer(series=series, rows=rows, judged=self.judged + judged, written=self.written + written)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Piece:
    """Some whole series: their rows as read and as arrays, and which part of the file they end."""

    table: Any
    figures: LongTable
    share: float


class _Scattered(Exception):
    """The rows of a series do not stand together."""


def expect_file(request: Request, progress: Callable[[float, int], None] = lambda share, series: None) -> Answer:
    """
    Write what was expected of every row of a file; `progress` is told the share done and the number of series.

    Rows are written in the order of the file. Nothing is seen at `out` before all is written; a link there is followed.

    Raises
    ------
    MonitorError
        In one sentence, if the file cannot be read, a row cannot be understood, or `out` cannot be written.
    OSError
        If the folder of `out` is not there.
    """
    _refuse_wrong(request.out, request.path)
    file = open_long(request.path)
    where = f"{request.path.name}: "
    columns = Columns.of(file.names, key=request.key, period=request.period, value=request.value, where=where)
    for name in set(ADDED) & set(columns.all):
        raise MonitorError(f'{where}the column "{name}" would stand there twice; name it otherwise, or the key without it')
    try:
        return _write(request, _pieces(file, columns), file.about, progress)
    except _Scattered:
        return _write(request, _whole(file, columns), file.about, progress)


def _refuse_wrong(out: Path, read: Path) -> None:
    """Refuse what cannot be written before anything is read: a pipe cannot take back what a second reading replaces."""
    form_of(out)
    refuse_nowhere(out)
    if out.exists() and out.samefile(read):
        raise MonitorError(f"{out}: the file that is read; choose another name")
    if out.exists() and not out.is_file():
        raise MonitorError(f"{out}: there already, and not a file; choose another name")


def _pieces(file: LongFile, columns: Columns) -> Iterator[_Piece]:
    """Cut the tables of a file where a series ends; what is left of a table goes before the next."""
    import pyarrow as pa

    where, rest, row, seen = f"{file.path.name}: ", None, file.first_row, np.empty(0, np.uint64)
    for table, share in file.tables(columns.all):
        table = pa.concat_tables([rest, table]) if rest else table
        cut = last_run(table, columns, where)
        if table.num_rows - cut > LAST - FIRST:  # more rows than months: some month stands twice, which is told
            cut = table.num_rows
        if cut:
            piece = _piece(table.slice(0, cut), columns, Place(where=where, first_row=row), share)
            seen = _together(piece.figures, seen)
            yield piece
        rest, row = table.slice(cut), row + cut
    if rest:
        piece = _piece(rest, columns, Place(where=where, first_row=row), 1.0)
        _together(piece.figures, seen)
        yield piece


def _piece(table: Any, columns: Columns, place: Place, share: float) -> _Piece:
    return _Piece(table=table, figures=long_table(table, columns, place), share=share)


def _together(figures: LongTable, seen: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Add series to those seen before, sorted; none may come again."""
    new = np.sort(figures.fingerprints)
    places = np.searchsorted(seen, new)
    again = seen[places[places < len(seen)]] == new[places < len(seen)]
    if figures.runs > len(figures.keys) or again.any():
        raise _Scattered
    return np.sort(np.concatenate([seen, new]), kind="stable")


def _whole(file: LongFile, columns: Columns) -> Iterator[_Piece]:
    """Read a file at once."""
    import pyarrow as pa

    tables, rows = [], 0
    for table, _ in file.tables(columns.all):
        rows += table.num_rows
        if rows > HELD:
            raise MonitorError(
                f"{file.path.name}: more than {HELD:,} rows, and the rows of a series do not stand together; "
                f"sort it by {join_words(list(columns.key))}"
            )
        tables.append(table)
    yield _piece(pa.concat_tables(tables), columns, Place(where=f"{file.path.name}: ", first_row=file.first_row), 1.0)


def _write(request: Request, pieces: Iterator[_Piece], about: int, progress: Callable[[float, int], None]) -> Answer:
    answer, form, share = Answer(), form_of(request.out), 0.0

    def write(sink: Any) -> None:
        nonlocal answer, share
        with _judges(_workers(request, about)) as pool, opened(sink, form) as put:
            for piece, blocks in _ahead(pieces, lambda piece: _ask(piece, request, pool)):
                for done, (_, future) in enumerate(blocks, 1):
                    future.result()
                    progress(share + (piece.share - share) * done / len(blocks), answer.series)
                table, judged = _answered(piece, blocks)
                put(table)
                answer, share = answer.plus(piece.figures, judged=judged, written=table.num_rows), piece.share
            if not answer.rows:
                raise MonitorError(f"{request.path.name}: there are no rows")

    try:
        write_whole(request.out.resolve(), write)
    except BrokenProcessPool as error:
        raise MonitorError(
            "a process that judged was ended from outside, probably for want of memory; try --workers 1"
        ) from error
    return answer


def _workers(request: Request, about: int) -> int:
    return (request.workers or os.cpu_count() or 1) if about > WORTH else 1


def _judges(workers: int) -> AbstractContextManager[Executor]:
    """Give what judges: other processes where there are to be several, since threads are no faster; else this one."""
    return processes(workers) if workers > 1 else _Here()


class _Here(Executor):
    """Does what it is asked at once."""

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """Return what is done already."""
        future: Future[_T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _ahead(pieces: Iterable[_Piece], ask: Callable[[_Piece], _Asked]) -> Iterator[tuple[_Piece, _Asked]]:
    """Yield pieces in order with what was asked of them, some later ones being asked for already."""
    waiting: deque[tuple[_Piece, _Asked]] = deque()
    for piece in pieces:
        waiting.append((piece, ask(piece)))
        if len(waiting) > _AHEAD:
            yield waiting.popleft()
    yield from waiting


def _ask(piece: _Piece, request: Request, pool: Executor) -> _Asked:
    task = partial(judge, resolution=request.resolution, at_least=request.at_least)
    return [(rows, pool.submit(task, panel, cells)) for rows, panel, cells in piece.figures.blocks()]


def _answered(piece: _Piece, blocks: _Asked) -> tuple[Any, int]:
    """Return the rows that are wanted, in the order of the file, with what was expected of them; and how many were judged."""
    import pyarrow as pa

    found = [(rows, future.result()) for rows, future in blocks]
    rows = np.concatenate([rows[judged.places] for rows, judged in found])
    order = np.argsort(rows, kind="stable")
    table = _read(piece, rows[order])
    for name in ADDED[:-1]:
        with np.errstate(over="ignore"):  # an upper end beyond what four bytes hold is infinite
            column = np.concatenate([judged.columns[name] for _, judged in found])[order].astype(np.float32)
        table = table.append_column(name, pa.array(column, from_pandas=True))
    table = table.append_column(ADDED[-1], table.column("surprise").is_valid())
    return table, sum(judged.count for _, judged in found)


def _read(piece: _Piece, rows: Ints) -> Any:
    """Return rows as they were read: words of the key as words, and figures as numbers."""
    import pyarrow as pa

    table = piece.table if len(rows) == piece.table.num_rows else piece.table.unify_dictionaries().take(rows)
    kinds = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in table.schema.types]
    names, plain = table.column_names, [pa.string() if pa.types.is_string_view(kind) else kind for kind in kinds]
    table = table.cast(pa.schema(list(zip(names, plain, strict=True))))
    if not is_text(kinds[-1]):
        return table
    return table.set_column(len(names) - 1, names[-1], pa.array(piece.figures.values[rows], from_pandas=True))
