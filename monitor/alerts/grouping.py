"""Groups of alerts: one page for each value of the labels that a route names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.alerts.routing import Matcher, Operator
from monitor.alerts.sentences import Names
from monitor.countries import name_of
from monitor.series import SeriesKey


@dataclass(frozen=True, kw_only=True)
class Group:
    """
    The alerts that go together on a page, by the labels they share.

    `alone` is the series of an alert that lacks one of the labels: it is a group of its own, for an absent label is never
    equal to another that is absent.
    """

    labels: tuple[tuple[str, str], ...] = ()
    alone: SeriesKey | None = None

    def __str__(self) -> str:
        named = [str(Matcher(label=label, operator=Operator.EQUAL, value=value)) for label, value in self.labels]
        return ",".join([*named, *([f"series={self.alone}"] if self.alone else [])])

    def __bool__(self) -> bool:
        return self != NO_GROUP

    @property
    def as_labels(self) -> dict[str, str]:
        """What machines group by."""
        return dict(self.labels) | ({"series": str(self.alone)} if self.alone else {})

    def words(self, names: Names) -> str:
        """Name the group in a subject: ``United States, critical``."""
        if self.alone:
            return names.title(self.alone)
        return ", ".join(_word(label, value, names) for label, value in self.labels)


NO_GROUP = Group()
"""What all alerts of a route belong to that groups nothing."""


def group_of(labels: Mapping[str, str], series: SeriesKey, by: Sequence[str]) -> Group:
    """Return the group of an alert."""
    held = tuple((label, labels[label]) for label in by if labels.get(label))
    return Group(labels=held, alone=series if len(held) < len(by) else None)


def _word(label: str, value: str, names: Names) -> str:
    if label in ("partner", "reporter"):
        return name_of(value)
    return names.product(value) if label == "product" else value
