"""Find series by what people call them: codes, names of countries and products, in any order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from monitor.app import App
from monitor.countries import name_of
from monitor.errors import MonitorError
from monitor.series import WORLD, SeriesKey
from monitor.wording import say_count
from monitor.yamlfile import did_you_mean


def find_series(app: App, words: Iterable[str]) -> list[tuple[SeriesKey, str]]:
    """Return the series in which every word occurs, with their titles, in order of their names."""
    wanted = [word.casefold() for word in words]
    found = [(key, title) for key, title, text in _texts(app) if all(word in text for word in wanted)]
    return sorted(found, key=lambda pair: str(pair[0]))


def _texts(app: App) -> Iterator[tuple[SeriesKey, str, str]]:
    """Yield each series with its title and everything that may be said of it."""
    for source, dataset in app.releases.datasets():
        names = app.names(source, dataset)
        for key in app.figures.panel(source, dataset).keys:
            total = "total" if key.partner == WORLD else ""  # as rules call it
            title = names.title(key)
            yield key, title, f"{key} {title} {name_of(key.partner)} {name_of(key.reporter)} {total}".casefold()


def _near(app: App, text: str) -> str:
    """Say which word no series has, and which one it is near to; of a full name the same of its parts."""
    known = {word.strip(",") for _, _, said in _texts(app) for word in re.split("[ /]", said)}
    words = text.casefold().split("/" if "/" in text and " " not in text else None)
    strange = next((word for word in words if not any(word in other for other in known)), None)
    return f': none has "{strange}"{did_you_mean(strange, sorted(known))}' if strange else ""


def one_series(app: App, text: str) -> tuple[SeriesKey, str]:
    """
    Return the one series that a text means: its full name, or words that occur in one only.

    Raises
    ------
    MonitorError
        If none or several fit; the sentence lists the first ones.
    """
    found = find_series(app, text.split())
    exact = [pair for pair in found if str(pair[0]) == text]
    if exact or len(found) == 1:
        return (exact or found)[0]
    if not found:
        raise MonitorError(f'no series fits "{text}"{_near(app, text) or "; `monitor series find` lists them"}')
    listed = "\n".join(f"  {key}  {title}" for key, title in found[:8])
    more = f"\n  and {len(found) - 8} more" if len(found) > 8 else ""
    raise MonitorError(
        f'"{text}" fits {say_count(len(found), "series", "series")}; add a word or give the full name:\n{listed}{more}'
    )
