"""What somebody does with an alert: checked against how the alert stands, and written down with the figures it was done by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from monitor.alerts.handling import Act, Deed, Handling, Opinion, handle
from monitor.alerts.records import Episode, State
from monitor.app import App
from monitor.errors import MonitorError
from monitor.months import parse_month
from monitor.rules.levels import RuleKind
from monitor.wording import MOST_COMMENT, MOST_NAME, typed_line

_WHILE_OPEN = (Deed.ACKNOWLEDGE, Deed.TAKE_BACK, Deed.SNOOZE)
_NEVER_SAID = {State.PENDING: "has not lasted long enough to be one yet", State.LAPSED: "ended before it was one"}


@dataclass(frozen=True, kw_only=True)
class Done:
    """An act that was written down, the alert it was done with, and how that is handled after it."""

    act: Act
    episode: Episode
    handling: Handling


def do(app: App, alert: str, deed: Deed, *, by: str, value: str = "", comment: str = "", months: int = 0) -> Done:
    """
    Write down what somebody did with an alert.

    Parameters
    ----------
    alert : str
        Its id, or the beginning of it.
    value : str
        The owner, the impact or the opinion.

    Raises
    ------
    MonitorError
        If there is no such alert, it does not stand so that this can be done, or the words are not one plain line.
    """
    by = _line("name", by, MOST_NAME)
    value = _line("owner", value, MOST_NAME) if deed is Deed.OWN else value
    comment = _line("comment", comment, MOST_COMMENT) if comment or deed is Deed.COMMENT else ""
    episode = app.episodes.get(alert)
    before = handle(app.acts.of(episode.id))
    _check(episode, before, deed)
    horizon = app.releases.horizon(episode.key.source, episode.key.dataset)
    act = Act(
        episode=episode.id,
        deed=deed,
        by=by,
        at=app.clock(),
        value=value,
        comment=comment,
        months=months,
        newest=episode.path.until if horizon is None else horizon,
        level=episode.path.peak if deed is Deed.FEEDBACK else episode.path.level,
    )
    act = _doubting(app, episode, act) if value == Opinion.DATA_ERROR and deed is Deed.FEEDBACK else act
    app.acts.add(act)
    return Done(act=act, episode=episode, handling=handle(app.acts.of(episode.id)))


def _line(what: str, text: str, most: int) -> str:
    """Return what somebody typed, where it is one line whose every character is seen."""
    try:
        return typed_line(text, most)
    except ValueError as error:
        raise MonitorError(f"{what}: {error}") from None


def _check(episode: Episode, before: Handling, deed: Deed) -> None:
    state, name = episode.path.state, f"alert {episode.id[:8]}"
    if state in _NEVER_SAID:
        raise MonitorError(f"{name} {_NEVER_SAID[state]}; nobody was told of it")
    event = episode.labels.get("kind") == RuleKind.EVENT and deed is not Deed.SNOOZE
    if deed in _WHILE_OPEN and not state.is_open and not event:
        raise MonitorError(f"{name} is {state.value}; only an open one can be acknowledged or snoozed")
    if deed is Deed.TAKE_BACK and before.acknowledged is None:
        raise MonitorError(f"{name} is not acknowledged")


def _doubting(app: App, episode: Episode, act: Act) -> Act:
    """Note which figure is called wrong: the one that was told last, else the newest of the alert."""
    told = [t for t in app.episodes.transitions(episode.id) if not t.quiet and "series" in t.evidence]
    if told:
        found = told[-1].evidence
        return replace(act, month=parse_month(found["month"]), figure=found.get("value"))
    panel = app.figures.panel(episode.key.source, episode.key.dataset)
    column = episode.path.until - panel.start
    if episode.key not in panel.keys or not 0 <= column < panel.shape[1]:
        raise MonitorError(f"alert {episode.id[:8]} was told with no figure that could be wrong")
    figure = float(panel.values[panel.row(episode.key), column])
    return replace(act, month=episode.path.until, figure=figure if np.isfinite(figure) else None)
