"""One column of a long table, from Arrow to an array: words of a key, months, figures; what is wrong is told with its row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitor.errors import MonitorError
from monitor.months import FIRST, LAST, Month, month_of, parse_month
from monitor.panel import Floats, Ints
from monitor.wording import one_line

Words: TypeAlias = NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a table comes from, and the number by which people know its first row."""

    where: str = ""
    first_row: int = 1

    def row(self, row: int) -> str:
        """Name a row within a sentence."""
        return f"row {self.first_row + row:,}"

    def at(self, row: int) -> str:
        """Name a row at the start of a sentence."""
        return f"{self.where}{self.row(row)}: "


def is_text(kind: Any) -> bool:
    """Tell whether an Arrow type holds texts."""
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def coded(column: Any, name: str, where: str = "") -> tuple[Ints, Any]:
    """Return the number of each row's word, 0 where there is none, and the Arrow array of the words from 1 on."""
    import pyarrow as pa

    if pa.types.is_nested(column.type):
        raise MonitorError(f'{where}the column "{name}" holds {column.type}, not words, numbers or dates')
    column = _as_text(column, name, where)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    array = column.unify_dictionaries().combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], column.type)
    return array.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1, array.dictionary


def _as_text(column: Any, name: str, where: str) -> Any:
    """Return a column of bytes, as some programs write texts, as texts; any other as it is."""
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)):
        return column
    try:
        return column.cast(kind).cast(pa.string())
    except pa.ArrowInvalid as error:
        raise MonitorError(f'{where}the column "{name}" holds bytes that are not UTF-8') from error


def words(column: Any, name: str, place: Place) -> tuple[Ints, Words]:
    """Return the number of each row's word and the words, "" as number 0; two spellings of a number are two words."""
    codes, found = coded(column, name, place.where)
    return codes, np.array(["", *map(str, found.to_pylist())], object)


def months(column: Any, name: str, place: Place) -> Ints:
    """Return the month of each row."""
    codes, written = coded(column, name, place.where)
    mistakes: dict[int, str] = {0: "there is no month"}
    found = np.zeros(len(written) + 1, np.int64)
    for number, word in enumerate(written.to_pylist(), 1):
        try:
            found[number] = _month(word)
        except ValueError as error:
            mistakes[number] = str(error)
    wrong = np.flatnonzero(np.isin(codes, list(mistakes)))
    if len(wrong):
        raise MonitorError(f"{place.at(int(wrong[0]))}{mistakes[int(codes[wrong[0]])]}")
    return found[codes]


def _month(written: object) -> Month:
    """Read a month: 2025-10, or the first day of one, as a text or a date."""
    if isinstance(written, str) and len(written.strip()) == 10:
        written = written.strip().removesuffix("-01")
    if isinstance(written, datetime) and written.time() == time():
        written = written.date()
    if isinstance(written, datetime) or (isinstance(written, date) and written.day != 1):
        raise ValueError(f'"{written}" is not a month; write it as 2025-10, or as its first day')
    found = month_of(written) if isinstance(written, date) else parse_month(one_line(written, 60))
    if not FIRST <= found <= LAST:
        raise ValueError(f'the month "{written}" is outside 1900 to 2199')
    return found


def values(column: Any, name: str, place: Place) -> Floats:
    """Return the figure of each row, NaN where there is none."""
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if is_text(kind):
        column = _numbers(column.cast(pa.string()), place)
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)):
        raise MonitorError(f'{place.where}the column "{name}" holds {kind}, not figures')
    found: Floats = column.cast(pa.float64(), safe=False).to_numpy()
    for wrong, sentence in ((np.isinf(found), "is not a figure"), (found < 0, "is below zero; trade is not")):
        if wrong.any():
            row = int(wrong.argmax())
            raise MonitorError(f'{place.at(row)}"{found[row]:g}" {sentence}')
    return found


def _numbers(texts: Any, place: Place) -> Any:
    """Read texts as numbers, an empty one as none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(texts)
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid as error:
        row = _first_wrong(texts)
        raise MonitorError(
            f'{place.at(row)}"{one_line(texts[row], 60)}" is not a figure; write it as 1234.5, or nothing where none is known'
        ) from error


def _first_wrong(texts: Any) -> int:
    """Return the first text that is no number, by halving."""
    import pyarrow as pa

    low, high = 0, len(texts)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            texts[low:middle].cast(pa.float64())
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low
