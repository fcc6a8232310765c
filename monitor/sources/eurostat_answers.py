"""What Comext answers: SDMX-CSV, a fault, or the promise of an answer that is being prepared."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pandas as pd

from monitor.errors import SourceFormatChanged, SourceUnavailable
from monitor.sources.bodies import html_title
from monitor.sources.http import Answer
from monitor.wording import one_line

BRUSSELS = ZoneInfo("Europe/Brussels")
PUBLISHED = time(11)
COLUMNS = (
    "DATAFLOW", "LAST UPDATE", "freq", "reporter", "partner", "product", "flow", "indicators", "TIME_PERIOD", "OBS_VALUE",
)  # fmt: skip
EMPTY = pd.DataFrame(columns=[*COLUMNS, "OBS_FLAG", "CONF_STATUS"], dtype=str)


@dataclass(frozen=True)
class Fault:
    """An error as the API words it."""

    code: str
    text: str

    def __str__(self) -> str:
        return one_line(f"{self.code} {self.text}".strip(), 200)


@dataclass(frozen=True)
class Prepared:
    """An answer that is being prepared, and how far it is."""

    key: str
    status: str

    def __str__(self) -> str:
        return f'"{self.status}"{"" if self.key else ", without a key"}'


def _element(body: bytes, name: str) -> str:
    found = re.search(rf"<(?:\w+:)?(?:{name})>\s*([^<]*?)\s*</".encode(), body[:65_536])
    return found[1].decode("utf-8", "replace") if found else ""


def fault_of(body: bytes) -> Fault | None:
    """Return the fault that an answer is; it may come with status 200."""
    if b"<faultstring>" not in body[:4096]:
        return None
    return Fault(_element(body, "faultcode"), _element(body, "faultstring"))


def prepared(body: bytes) -> Prepared | None:
    """Return the state of an answer that is being prepared; None where this is not about one."""
    if b"syncResponse" not in body[:4096]:
        return None
    key = _element(body, "key|id")
    return Prepared(key if re.fullmatch(r"[\w-]{1,100}", key) else "", _element(body, "status"))


def refuse_page(answer: Answer, where: str) -> None:
    """Refuse a web page in place of figures: the API is closed for maintenance."""
    if answer.content_type == "text/html" or answer.body[:200].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise SourceUnavailable(f'{where}: a web page came in place of figures, titled "{html_title(answer.body)}"')


def read_rows(body: bytes, where: str) -> pd.DataFrame:
    """
    Return the rows of SDMX-CSV as texts, with `OBS_FLAG` and `CONF_STATUS` empty where the API gives none.

    Raises
    ------
    SourceUnavailable
        If the text ends within a row.
    SourceFormatChanged
        If it is no SDMX-CSV, or lacks a column.
    """
    if body[:2] == b"\x1f\x8b":
        raise SourceFormatChanged(f"{where}: the answer is compressed, which was not asked for")
    if not body.strip():
        raise SourceUnavailable(f"{where}: the answer is empty; a header is expected where there are no figures")
    header = body.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].decode("utf-8", "replace").strip()
    if missing := [name for name in COLUMNS if name not in header.split(",")]:
        raise SourceFormatChanged(one_line(f'{where}: no column {missing[0]}; the answer starts with "{header[:120]}"'))
    rows = _table(body, where)
    for name in ("OBS_FLAG", "CONF_STATUS"):
        if name not in rows:
            rows[name] = ""
    return rows


def _table(body: bytes, where: str) -> pd.DataFrame:
    try:
        header, *rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    except (ValueError, csv.Error) as error:
        raise SourceFormatChanged(one_line(f"{where}: the answer is not CSV: {error}")) from None
    rows = [row for row in rows if row]
    if rows and len(rows[-1]) < len(header):
        raise SourceUnavailable(f"{where}: the answer is cut short after {len(body):,} bytes")
    if wrong := next((row for row in rows if len(row) != len(header)), None):
        raise SourceFormatChanged(f"{where}: a row has {len(wrong)} columns; the header has {len(header)}")
    return pd.DataFrame(rows, columns=header, dtype=str)


def updated_at(rows: pd.DataFrame, where: str) -> datetime | None:
    """Return when the dataset was last renewed, as it says; a day alone means eleven o'clock. None without rows."""
    if rows.empty:
        return None
    text = rows["LAST UPDATE"].iloc[0].strip()
    try:
        day = datetime.strptime(text[:8], "%d/%m/%y").date()
        at = time.fromisoformat(text[8:].strip()) if text[8:].strip() else PUBLISHED
    except ValueError:
        raise SourceFormatChanged(one_line(f'{where}: LAST UPDATE is "{text}"; 15/09/26 11:00:00 is expected')) from None
    return datetime.combine(day, at, BRUSSELS).astimezone(UTC)
