"""What a release changed: stored episodes against two folds."""

from __future__ import annotations

from dataclasses import replace

from monitor.alerts.records import Change, Episode, Path, State, Step
from monitor.alerts.revisions import Difference, Subject, difference
from monitor.months import Month, parse_month
from monitor.rules.levels import Level
from monitor.series import SeriesKey

KEY = SeriesKey(
    source="gacc",
    dataset="magnets",
    reporter="CN",
    partner="US",
    product="CN8:85051110",
    flow="export",
    measure="weight",
    unit="kg",
)
SUBJECT = Subject(rule="magnet-drop", version="v1", key=KEY, labels={"alertname": "magnet-drop"})
MAY, JUNE, JULY, AUGUST = (parse_month(f"2025-0{m}") for m in (5, 6, 7, 8))
W, C = Level.WARNING, Level.CRITICAL


def path(*steps: tuple[Month, Change, Level], state: State = State.RESOLVED, until: Month = JULY) -> Path:
    peak = max(level for _, _, level in steps)
    return Path(
        state=state,
        level=steps[-1][2],
        peak=peak,
        since=steps[0][0],
        until=until,
        steps=tuple(Step(month=m, change=c, level=level, side=-1) for m, c, level in steps),
    )


MAY_TO_JULY = path((MAY, Change.OPENED, C), (JUNE, Change.EASED, W), (JULY, Change.RECOVERED, W))


def episode(of: Path, *, state: State | None = None) -> Episode:
    found = SUBJECT.episode(of, set(), history=False)
    return replace(found, path=replace(of, state=state)) if state else found


def compare(stored: list[Episode], before: list[Path], after: list[Path], horizon: Month = JULY) -> Difference:
    return difference(SUBJECT, stored, before, after, horizon=horizon, live_from=parse_month("2024-01"))


def changes(found: Difference) -> list[tuple[Change, bool]]:
    return [(changed.step.change, changed.tell) for changed in found.changes]


def test_a_release_that_changes_nothing_records_nothing() -> None:
    found = compare([episode(MAY_TO_JULY)], [MAY_TO_JULY], [MAY_TO_JULY])
    assert found == Difference(changes=(), episodes=())


def test_new_months_bring_only_their_own_steps() -> None:
    opened = path((MAY, Change.OPENED, C), state=State.FIRING, until=MAY)
    eased = path((MAY, Change.OPENED, C), (JUNE, Change.EASED, W), state=State.FIRING, until=JUNE)
    found = compare([episode(opened)], [opened], [eased], horizon=MAY)
    [changed] = found.changes
    assert (changed.step.change, changed.step.month, changed.previous, changed.tell) == (Change.EASED, JUNE, C, True)
    assert changed.episode.id == episode(opened).id


def test_an_episode_that_only_lives_on_is_stored_without_a_transition() -> None:
    may = path((MAY, Change.OPENED, C), state=State.FIRING, until=MAY)
    june = replace(may, until=JUNE)
    found = compare([episode(may)], [may], [june], horizon=MAY)
    assert found.changes == ()
    assert [e.path.until for e in found.episodes] == [JUNE]


def test_a_lower_peak_is_one_correction_that_is_told() -> None:
    milder = path((MAY, Change.OPENED, W), (JULY, Change.RECOVERED, W))
    found = compare([episode(MAY_TO_JULY)], [milder], [milder])
    assert changes(found) == [(Change.CORRECTED, True)]
    assert found.changes[0].episode.id == episode(MAY_TO_JULY).id
    assert found.changes[0].old == MAY_TO_JULY


def test_a_later_opening_is_a_correction_of_the_same_episode() -> None:
    later = path((JUNE, Change.OPENED, W), (JULY, Change.RECOVERED, W))
    found = compare([episode(MAY_TO_JULY)], [later], [later])
    assert changes(found) == [(Change.CORRECTED, True)]
    assert found.changes[0].step.month == MAY


def test_an_episode_without_a_match_is_withdrawn_once() -> None:
    found = compare([episode(MAY_TO_JULY)], [], [])
    assert changes(found) == [(Change.WITHDRAWN, True)]
    [gone] = found.episodes
    assert gone.path.state is State.WITHDRAWN
    assert compare([gone], [], []) == Difference(changes=(), episodes=())


def test_a_correction_that_changes_nothing_of_today_is_recorded_and_not_told() -> None:
    slower = path((MAY, Change.OPENED, C), (JULY, Change.RECOVERED, C))
    assert changes(compare([episode(MAY_TO_JULY)], [slower], [slower])) == [(Change.CORRECTED, False)]


def test_a_correction_of_more_than_thirteen_months_ago_is_never_told() -> None:
    found = compare([episode(MAY_TO_JULY)], [], [], horizon=MAY + 13)
    assert changes(found) == [(Change.WITHDRAWN, False)]


def test_an_episode_that_a_revision_makes_is_opened_by_revision_with_its_end() -> None:
    found = compare([], [MAY_TO_JULY], [MAY_TO_JULY])
    assert changes(found) == [(Change.OPENED_BY_REVISION, True)]
    assert found.changes[0].episode.path.state is State.RESOLVED


def test_an_id_that_was_withdrawn_is_never_used_again() -> None:
    gone = episode(MAY_TO_JULY, state=State.WITHDRAWN)
    [changed] = compare([gone], [MAY_TO_JULY], [MAY_TO_JULY]).changes
    assert changed.episode.id != gone.id


def test_a_pending_run_that_opens_keeps_its_id() -> None:
    pending = Path(state=State.PENDING, level=W, peak=W, since=MAY, until=MAY, steps=())
    opened = path((JUNE, Change.OPENED, W), state=State.FIRING, until=JUNE)
    first = compare([], [], [pending], horizon=parse_month("2025-04"))
    assert first.changes == ()
    second = compare(list(first.episodes), [pending], [opened], horizon=MAY)
    assert [(c.step.change, c.episode.id) for c in second.changes] == [(Change.OPENED, first.episodes[0].id)]


def test_months_before_the_first_live_one_are_recorded_and_not_told() -> None:
    found = difference(SUBJECT, [], [], [MAY_TO_JULY], horizon=JULY, live_from=AUGUST)
    assert [(changed.step.month, changed.tell) for changed in found.changes] == [(MAY, False), (JUNE, False), (JULY, False)]
    assert found.episodes[0].history
