"""What machines are told of alerts: stable labels that fire and end, nothing where the state they were sent stays."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.alerts.cells import Item
from monitor.alerts.records import AlertState, Change, Path
from monitor.alerts.sentences import comparison, figure
from monitor.rules.levels import Level
from monitor.series import Release


def alert_states(items: Iterable[Item], release: Release, public_url: str = "") -> tuple[AlertState, ...]:
    """
    Return what machines are told: only alerts whose last sent state changed.

    A changed level ends the old label set and starts the new one, because labels name an alert.
    """
    found: list[AlertState] = []
    steps: dict[str, list[Item]] = {}  # several steps of one release are one change of state
    for item in items:
        steps.setdefault(item.episode.id, []).append(item)
    for first, *_, item in ([mine[0], *mine] for mine in steps.values()):
        before, after = _sent(first.old), _sent(item.episode.path)
        if item.change is Change.EVENT:
            found.append(_alert(item, item.level, release, ended=False, url=public_url))
            continue
        if before == after:
            continue
        if before is not None:
            found.append(_alert(item, before, release, ended=True, url=public_url))
        if after is not None:
            found.append(_alert(item, after, release, ended=False, url=public_url))
    return tuple(found)


def _sent(path: Path | None) -> Level | None:
    """Return the level under which an alert fires for machines; None while it does not."""
    return path.level if path is not None and path.state.value == "firing" else None


def _alert(item: Item, level: Level, release: Release, *, ended: bool, url: str) -> AlertState:
    facts = item.facts
    annotations = {
        "summary": f"{figure(facts)}: {comparison(facts) or item.outcome}",
        "change": item.outcome,
        "release": release.id,
        "evidence": f"monitor alerts show {item.episode.id[:8]}",
    }
    if item.runbook:
        annotations["runbook"] = item.runbook
    return AlertState(
        episode=item.episode.id,
        labels={**item.episode.labels, "severity": level.label},
        annotations=annotations,
        starts_at=item.episode.opened_at or release.published_at,
        ends_at=release.published_at if ended else None,
        url=f"{url.rstrip('/')}/alerts/{item.episode.id}" if url else "",
    )
