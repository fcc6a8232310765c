"""A spring in which a cause mutes its symptoms, from the files of a desk to its mailbox, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from monitor import jobs
from monitor.alerts.assess import assess
from monitor.alerts.routing import Matcher
from monitor.alerts.silences import Silence
from monitor.months import month
from monitor.store.suppressions import not_told

HEADING = "period,partner,product,value_t,kind\n"
TOTAL = {
    "name": "total",
    "when": ['partner="WORLD"'],
    "mute": ['partner!="WORLD"'],
    "equal": ["alertname", "source", "dataset", "reporter", "product", "flow", "measure", "basis"],
}


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, magnets: Any, figures: dict[str, str]) -> Any:
    """A desk that knows the months up to March 2025, whose world total mutes its countries."""
    if request.param == "postgresql":
        magnets.environ["MONITOR_DATABASE"] = request.getfixturevalue("new_postgresql")()
    files = [{"name": name, "kind": "file", "folder": name, "as": "text"} for name in ("buyers", "operators")]
    magnets.write("config/receivers.yaml", {"receivers": files})
    routes = [{"name": "buyers", "receivers": ["buyers"]}]
    magnets.write("config/routes.yaml", {"operators": "operators", "routes": routes, "inhibit": [TOTAL]})
    magnets.open()
    history = "".join(lines for period, lines in figures.items() if period < "2025-04")
    magnets.take_in("gacc/magnets", HEADING + history, "2025-04-20")
    return magnets


def _comes(desk: Any, figures: dict[str, str], period: str, published: str) -> str:
    """Let the figures of a month come out; return what the buyers read of them, in one line."""
    desk.later(days=1)
    desk.open()
    desk.take_in("gacc/magnets", HEADING + figures[period], published)
    jobs.deliver(desk.app)
    pages = (desk.folder / "buyers").glob(f"*_gacc-{period}-*.txt")
    return " ".join(" ".join(page.read_text(encoding="utf-8").split()) for page in sorted(pages))


def test_while_the_total_is_told_its_countries_are_not_and_afterwards_those_still_open_are(
    desk: Any, figures: dict[str, str]
) -> None:
    _comes(desk, figures, "2025-04", "2025-05-20")
    may = _comes(desk, figures, "2025-05", "2025-06-20")
    assert "China to World" in may
    assert "not told" in may
    drops = {one.key.partner: one for one in desk.app.episodes.find(rule="magnet-drop", only_open=True)}
    germany, world = drops["DE"], drops["WORLD"]
    [held] = [one.suppression for one in not_told(desk.app.database, germany.id)]
    assert (held.holder, held.by) == (world.id, f"muted by critical magnet-drop, alert {world.id[:8]}")
    assert germany.held == held.held
    june, july, _ = [_comes(desk, figures, period, published) for period, published in LATER]
    assert "2 changes not told: 2 muted by warning magnet-drop" in june
    assert "China to Germany" not in june + july, "nobody was told that it began, so nobody is told that it ended with its cause"
    assert [t.change.value for t in desk.app.episodes.transitions(germany.id)] == ["opened", "easing", "recovered"]
    assert len(not_told(desk.app.database, germany.id)) == 3


LATER = (("2025-06", "2025-07-20"), ("2025-07", "2025-08-20"), ("2025-08", "2025-09-20"))


def test_a_silence_that_is_added_while_a_release_is_judged_holds_from_the_next_one_on(desk: Any, figures: dict[str, str]) -> None:
    app = desk.app
    everywhere = Silence(
        id="5f",
        matchers=(Matcher.parse('flow="export"'),),
        author="ada",
        reason="moving",
        created=app.clock(),
        starts=app.clock(),
        until_figures=month(2030, 1),
    )
    desk.later(days=1)
    desk.open()
    app = desk.app
    release = app.releases.find("gacc", "magnets")[0]
    begun = jobs.situation(app, release)
    app.silences.add(everywhere)
    assert (begun.silences, jobs.situation(app, release).silences) == ((), (everywhere,))
    assert assess(begun, app.desk("gacc", "magnets")).suppressions == ()
