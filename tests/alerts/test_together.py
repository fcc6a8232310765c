"""Several pages told as one: nothing is left out, nothing is said twice, and it is always the same page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.messages import AlertState, Attachment, Digest, Line, Part
from monitor.alerts.together import LONGEST_SUBJECT, told_together
from monitor.rules.levels import Level

AT = datetime(2025, 6, 20, 2, tzinfo=UTC)


def line(title: str, part: Part) -> Line:
    return Line(
        part=part, series="s", month=0, title=title, figure="46 t", sentences=(), outcome="New", level=Level.INFO, reasons=(),
        value=None, unit="t",
    )  # fmt: skip


def state(episode: str, level: str, over: bool = False) -> AlertState:
    labels = {"alertname": "fall", "severity": level}
    return AlertState(episode=episode, labels=labels, annotations={}, starts_at=AT, ends_at=AT if over else None)


def page(name: str, **more: object) -> Digest:
    return Digest(subject=f"{name}: 1 new drop", title=name, source=name, dataset="d", release=f"{name}-1", **more)  # type: ignore[arg-type]


def test_one_page_alone_is_said_as_it_is() -> None:
    only = page("China")
    assert told_together([only]) is only


def test_sections_hold_the_lines_of_all_pages_in_order() -> None:
    first = page("China", lines=(line("a", Part.NEW), line("b", Part.RECOVERED)))
    second = page("Japan", lines=(line("c", Part.NEW), line("d", Part.WORSE)))
    found = told_together([first, second])
    assert [(part, [one.title for one in lines]) for part, lines in found.parts] == [
        (Part.WORSE, ["d"]),
        (Part.NEW, ["a", "c"]),
        (Part.RECOVERED, ["b"]),
    ]
    assert (found.title, found.subject) == ("China and Japan", "China: 1 new drop; Japan: 1 new drop")


def test_a_subject_that_would_be_too_long_counts_the_pages() -> None:
    found = told_together([page(f"Imports of country {number}") for number in range(9)])
    assert found.subject == "9 messages: Imports of country 0, Imports of country 1 and 7 more"


def test_what_stands_at_the_foot_names_its_page_where_there_are_several() -> None:
    first, second = (
        page("China", not_judged="Not judged: 6 of 14.", notes=("same",)),
        page("Japan", more="And 2 more.", notes=("same",)),
    )
    found = told_together([first, replace(second, not_judged="Not judged: 1 of 3.")])
    assert found.not_judged == "China: Not judged: 6 of 14. Japan: Not judged: 1 of 3."
    assert found.more == "And 2 more."
    assert found.notes == ("same",)


def test_of_one_dataset_what_is_still_open_is_said_as_it_is_now() -> None:
    found = told_together([page("China", still_open="Still open: 2."), page("China", still_open="Still open: 1.")])
    assert found.still_open == "Still open: 1."


def test_machines_are_told_how_each_alert_stands_now() -> None:
    first = page("China", alerts=(state("a", "warning"), state("b", "critical")))
    second = page("Japan", alerts=(state("a", "warning", over=True), state("a", "critical")))
    found = told_together([first, second]).alerts
    assert [(one.episode, one.labels["severity"], one.ends_at is None) for one in found] == [
        ("a", "warning", False),
        ("b", "critical", True),
        ("a", "critical", True),
    ]


def test_files_of_one_name_are_both_attached() -> None:
    files = [Attachment(name="t.csv", media_type="text/csv", text=text) for text in ("a", "b", "a")]
    found = told_together([page("China", attachments=(one,)) for one in files])
    assert [(one.name, one.text) for one in found.attachments] == [("t.csv", "a"), ("t-2.csv", "b")]


pages = st.builds(
    page,
    st.sampled_from(["China", "Japan", "Korea"]),
    lines=st.lists(st.builds(line, st.text("ab", min_size=1, max_size=2), st.sampled_from(list(Part))), max_size=4).map(tuple),
    alerts=st.lists(
        st.builds(state, st.sampled_from("ab"), st.sampled_from(["info", "critical"]), st.booleans()), max_size=4
    ).map(tuple),
)


@given(st.lists(pages, min_size=1, max_size=6))
def test_no_line_and_no_alert_is_lost(digests: list[Digest]) -> None:
    found = told_together(digests)
    assert list(found.lines) == [one for digest in digests for one in digest.lines]
    last = {(one.episode, one.labels["severity"]): one for digest in digests for one in digest.alerts}
    assert len(digests) == 1 or {(one.episode, one.labels["severity"]): one for one in found.alerts} == last
    assert len(found.subject) <= LONGEST_SUBJECT
