"""
What is held back because of what people said: a snoozed alert, and a series whose alerts were called expected or normal.

Nothing here changes a state. What is worse than what people knew of breaks through, and machines that hold an alert hear its end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.alerts.cells import Item
from monitor.alerts.handling import Act, Opinion, snooze_words
from monitor.alerts.records import Change, Episode
from monitor.alerts.situation import Situation
from monitor.alerts.stages import side_in
from monitor.alerts.suppressions import Suppression, Why
from monitor.months import Month, say_month
from monitor.panel import Floats

EXPECTED_MONTHS = 12
NORMAL_MONTHS = 24
"""The months of the usual: after them a lasting level is the usual itself."""

_LASTING = {Opinion.EXPECTED: EXPECTED_MONTHS, Opinion.NEW_NORMAL: NORMAL_MONTHS}
_ENDS = frozenset({Change.RECOVERED, Change.NEW_NORMAL, Change.WITHDRAWN})
_TOLD_AS_EVER = _ENDS | {Change.CORRECTED}


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What somebody said of the alerts of a series, and the alert that it was said of."""

    act: Act
    episode: Episode
    opinion: Opinion

    @property
    def until(self) -> Month:
        """The last month of figures with which alerts like it are held back."""
        return self.act.newest + _LASTING[self.opinion]

    @property
    def words(self) -> str:
        """Who said what, and for how long."""
        act = self.act
        return f"called {self.opinion.words} by {act.by} on {act.day}, until the {say_month(self.until)} figures"


def snoozed(item: Item, situation: Situation) -> Suppression | None:
    """Hold back what is snoozed, unless it got worse."""
    handling = situation.handlings.get(item.episode.id)
    if handling is None or handling.snooze is None or not handling.is_snoozed(situation.newest, item.episode.path):
        return None
    if item.level > handling.snooze.level:
        return None
    return Suppression(episode=item.episode.id, why=Why.SNOOZE, by=snooze_words(handling.snooze))


def called(item: Item, situation: Situation) -> Suppression | None:
    """Hold back what was called expected, or the new normal, unless it is worse than what that was said of."""
    holding = holding_of(item.episode, situation)
    if holding is None or item.level > holding.act.level or holding.act.is_outgrown(item.episode.path):
        return None
    own = holding.episode.id == item.episode.id
    if not (_holds_own if own else _holds_alike)(item, holding, situation):
        return None
    return Suppression(episode=item.episode.id, why=Why.FEEDBACK, by=holding.words)


def _holds_own(item: Item, holding: Holding, situation: Situation) -> bool:
    """Of a new normal nothing more is said; of what was expected its end is."""
    if holding.opinion is Opinion.NEW_NORMAL:
        return True
    return situation.newest <= holding.until and item.change not in _TOLD_AS_EVER


def _holds_alike(item: Item, holding: Holding, situation: Situation) -> bool:
    """Of another alert of the series nothing is said, save the end of one that somebody was told of."""
    known = item.episode.id in situation.heard and item.change in _TOLD_AS_EVER
    return situation.newest <= holding.until and not known


def holding_of(episode: Episode, situation: Situation) -> Holding | None:
    """Return what was said last of an alert's rule and series, on its side; None where that holds nothing back."""
    side = side_in(episode, episode.path.until)
    said = situation.feedback.get((episode.rule, episode.key), ())
    alike = [(act, of) for act, of in said if side_in(of, act.newest) * side >= 0]
    if not alike or Opinion(alike[-1][0].value) not in _LASTING:
        return None
    act, of = alike[-1]
    return Holding(act=act, episode=of, opinion=Opinion(act.value))


def is_doubted(item: Item, figures: Floats, start: Month) -> bool:
    """
    Tell whether an item rests on a figure that was called a data error and is not revised since: operators hear of it.

    Parameters
    ----------
    figures : array, shape (T,)
        The figures of the item's series as known now, from the month `start` on.
    """
    act = item.handling.feedback
    if act is None or act.value != Opinion.DATA_ERROR or item.change in _ENDS:
        return False
    if item.level > act.level or act.is_outgrown(item.episode.path):
        return False
    column = act.month - start
    return 0 <= column < len(figures) and not _differs(act.figure, float(figures[column]))


def _differs(before: float | None, now: float) -> bool:
    """Tell whether a figure was revised; what is stored of it has six decimals."""
    if before is None:
        return not math.isnan(now)
    return not math.isclose(before, now, rel_tol=1e-9, abs_tol=1e-6)


def redirections(items: Iterable[Item]) -> tuple[Suppression, ...]:
    """Return the record of what operators hear of instead of those whom the routes lead to."""
    return tuple(
        Suppression(episode=item.episode.id, why=Why.FEEDBACK, by=doubt_words(act), transition=item.transition)
        for item in items
        if item.doubted and (act := item.handling.feedback) is not None
    )


def doubt_words(act: Act) -> str:
    """Say who doubts which figure, and until when operators hear of it."""
    until = f"until the figure of {say_month(act.month)} is revised"
    return f"called a data error by {act.by} on {act.day}: operators hear of it {until}"
