"""Lunar New Year moves between January and February: how much of it each month holds, from a fixed table of dates."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np

from monitor.months import calendar_month, month, month_of
from monitor.panel import Floats, Ints, Panel

FIRST_YEAR, LAST_YEAR = 1990, 2035
DAYS_BEFORE, DAYS_AFTER = 3, 16
"""Ports and plants slow down from 3 days before New Year to 16 days after it."""

_CHINA: list[str] = """
0127 0215 0204 0123 0210 0131 0219 0207 0128 0216 0205 0124 0212 0201 0122 0209 0129 0218 0207 0126 0214 0203 0123
0210 0131 0219 0208 0128 0216 0205 0125 0212 0201 0122 0210 0129 0217 0206 0126 0213 0203 0123 0211 0131 0219 0208
""".split()  # noqa: SIM905 - a table is read more easily than a list of 46 strings
_ELSEWHERE: dict[str, dict[int, str]] = {
    "CN": {},
    "KR": {1997: "0208", 2027: "0207", 2028: "0127"},  # a new moon just before midnight in China is after it in Korea
    "VN": {2007: "0217", 2030: "0202"},  # and the day before in Vietnam
}

CALENDARS = dict.fromkeys(("CN", "HK", "MO", "TW", "SG", "MY"), "CN") | {"KR": "KR", "VN": "VN"}
"""The countries that keep the holiday, and whose dates they keep it on."""


def new_year(calendar: str, year: int) -> date:
    """
    Return the first day of the lunar year by the calendar of CN, KR or VN.

    Raises
    ------
    ValueError
        Outside 1990 to 2035.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"Lunar New Year {year} is outside the table, {FIRST_YEAR} to {LAST_YEAR}")
    day = _ELSEWHERE[calendar].get(year, _CHINA[year - FIRST_YEAR])
    return date(year, int(day[:2]), int(day[2:]))


@cache
def _shares(calendar: str) -> Floats:
    """Return the share of the year's window in each month of the table, shape (years, 12)."""
    shares = np.zeros((LAST_YEAR - FIRST_YEAR + 1, 12))
    for row in range(len(shares)):
        day = new_year(calendar, FIRST_YEAR + row)
        for offset in range(-DAYS_BEFORE, DAYS_AFTER + 1):
            shares[row, calendar_month(month_of(day + timedelta(offset))) - 1] += 1 / (DAYS_BEFORE + DAYS_AFTER + 1)
    return shares


def regressor(calendar: str, months: Ints) -> Floats:
    """
    Return the Lunar New Year regressor, shape (T,).

    The share of the window that falls into each month minus the mean share of that calendar month over 1990 to 2035, so
    that it says nothing about the ordinary season (as X-13ARIMA-SEATS centres its Easter regressor). 0 outside the table.
    """
    shares = _shares(calendar)
    table = (shares - shares.mean(axis=0)).ravel()
    places = np.asarray(months, np.int64) - month(FIRST_YEAR, 1)
    inside = (places >= 0) & (places < len(table))
    return np.where(inside, table[np.clip(places, 0, len(table) - 1)], 0.0)


def regressors(panel: Panel) -> Floats:
    """Return the regressor of each series, shape (n, T): the reporter's calendar, else the partner's, else zeros."""
    known = {calendar: regressor(calendar, panel.months) for calendar in _ELSEWHERE}
    none = np.zeros(panel.shape[1])
    rows = [known.get(CALENDARS.get(key.reporter) or CALENDARS.get(key.partner) or "", none) for key in panel.keys]
    return np.array(rows, np.float64).reshape(panel.shape)
