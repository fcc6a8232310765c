"""How an alert is handled is the fold of what was done with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.handling import NOTHING, Act, Deed, Handling, Impact, Opinion, handle, handlings
from monitor.alerts.records import Change, Path, State, Step, dump, load
from monitor.months import month
from monitor.rules.levels import Level

JUNE = datetime(2025, 6, 3, 7, tzinfo=UTC)
MAY = month(2025, 5)
VALUES = {Deed.OWN: ["grace", "ada"], Deed.IMPACT: [*Impact], Deed.FEEDBACK: [*Opinion]}


def act(deed: Deed, value: str = "", *, by: str = "ada", **said: object) -> Act:
    given = {"episode": "e", "at": JUNE, "newest": MAY, "level": Level.WARNING}
    return Act(deed=deed, by=by, value=value, **{**given, **said})  # type: ignore[arg-type]


def path(*steps: tuple[int, Level]) -> Path:
    made = tuple(Step(month=m, change=Change.OPENED, level=level) for m, level in steps)
    return Path(state=State.FIRING, level=made[-1].level, peak=Level.CRITICAL, since=MAY, until=MAY + 9, steps=made)


@st.composite
def deeds(draw: st.DrawFn) -> Act:
    deed = draw(st.sampled_from(Deed))
    return act(
        deed,
        draw(st.sampled_from(VALUES.get(deed, [""]))),
        by=draw(st.sampled_from(["ada", "bob", "grace"])),
        episode=draw(st.sampled_from(["e", "f"])),
        months=draw(st.integers(0, 3)) if deed is Deed.SNOOZE else 0,
        level=draw(st.sampled_from(Level)),
        comment=draw(st.sampled_from(["", "licence pending"])),
        at=JUNE + timedelta(days=draw(st.integers(0, 90))),
    )


@given(st.lists(deeds()), st.lists(deeds()))
def test_acts_fold_from_where_the_fold_of_the_earlier_ones_stands(early: list[Act], late: list[Act]) -> None:
    assert handle(late, handle(early)) == handle([*early, *late])


@given(st.lists(deeds()))
def test_acts_on_one_alert_change_no_other(acts: list[Act]) -> None:
    found = handlings(acts)
    for name in ("e", "f"):
        mine = [one for one in acts if one.episode == name]
        assert found.get(name, NOTHING) == handle(mine)


@given(st.lists(deeds()))
def test_no_comment_is_lost_and_none_changes_anything_else(acts: list[Act]) -> None:
    said = [one for one in acts if one.deed is Deed.COMMENT]
    assert list(handle(acts).comments) == said
    without = handle(one for one in acts if one.deed is not Deed.COMMENT)
    assert vars(handle(acts)) | {"comments": ()} == vars(without)


@given(st.lists(deeds()))
def test_an_act_is_read_back_as_it_was_written(acts: list[Act]) -> None:
    assert [load(Act, dump(one)) for one in acts] == acts


@given(st.lists(deeds()))
def test_whoever_acknowledged_first_is_named(acts: list[Act]) -> None:
    """Since an acknowledgement was last taken back, none of the same level or a lower one replaced the first."""
    found = handle(acts).acknowledged
    back = max((n for n, one in enumerate(acts) if one.deed is Deed.TAKE_BACK), default=-1)
    since = [one for one in acts[back + 1 :] if one.deed is Deed.ACKNOWLEDGE]
    if not since:
        assert found is None
    else:
        highest = max(one.level for one in since)
        assert found == next(one for one in since if one.level == highest)


def test_of_two_who_acknowledge_at_once_the_first_is_named() -> None:
    found = handle([act(Deed.ACKNOWLEDGE, by="ada", comment="licence pending"), act(Deed.ACKNOWLEDGE, by="bob")])
    assert found.words == "acknowledged by ada on 3 June 2025: licence pending"


def test_what_got_worse_since_is_not_acknowledged() -> None:
    found = handle([act(Deed.ACKNOWLEDGE)])
    assert found.is_acknowledged(path((MAY, Level.WARNING)))
    assert not found.is_acknowledged(path((MAY, Level.WARNING), (MAY + 1, Level.CRITICAL)))
    assert found.is_acknowledged(path((MAY - 1, Level.CRITICAL), (MAY, Level.WARNING)))


@pytest.mark.parametrize(("newest", "snoozed"), [(MAY, True), (MAY + 2, True), (MAY + 3, False)])
def test_a_snooze_of_two_months_covers_the_figures_of_two_months(newest: int, snoozed: bool) -> None:
    found = handle([act(Deed.SNOOZE, months=2)])
    assert found.is_snoozed(newest, path((MAY, Level.WARNING))) is snoozed


def test_a_snooze_of_no_months_ends_one() -> None:
    assert handle([act(Deed.SNOOZE, months=2), act(Deed.SNOOZE, months=0)]) == Handling()


def test_the_last_word_on_owner_impact_and_feedback_stands() -> None:
    acts = [act(Deed.OWN, "ada"), act(Deed.OWN, "grace"), act(Deed.IMPACT, "potential"), act(Deed.IMPACT, "confirmed")]
    found = handle([*acts, act(Deed.FEEDBACK, "expected"), act(Deed.FEEDBACK, "new-normal", by="bob")])
    assert found.words == "owner grace; impact: confirmed by supplier; called new normal by bob"


def test_machines_get_what_is_set_and_nothing_else() -> None:
    assert handle([]).annotations == {}
    found = handle([act(Deed.ACKNOWLEDGE), act(Deed.SNOOZE, months=1)]).annotations
    assert found == {"acknowledged_by": "ada", "acknowledged_at": "2025-06-03T07:00:00+00:00", "snoozed_until": "2025-06"}


def test_an_act_says_what_was_done() -> None:
    said = [
        act(Deed.ACKNOWLEDGE, comment="licence pending"), act(Deed.TAKE_BACK), act(Deed.OWN, "grace"), act(Deed.SNOOZE, months=2),
        act(Deed.SNOOZE), act(Deed.IMPACT, "no-impact"), act(Deed.FEEDBACK, "data-error"), act(Deed.COMMENT, comment="asked"),
    ]  # fmt: skip
    assert [one.words for one in said] == [
        "acknowledged: licence pending", "took the acknowledgement back", "owner grace", "snoozed until the July 2025 figures",
        "ended the snooze", "impact no impact", "called data error", "comment: asked",
    ]  # fmt: skip
