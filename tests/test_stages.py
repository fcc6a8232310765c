"""A desk on which a month comes out three times: in a flash, in a bulletin, and by code and country."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitor import jobs, pulling
from monitor.alerts.messages import Digest, Line, Notification, Part
from monitor.errors import SettingsError
from monitor.notify.email import Email
from monitor.notify.worker import message_of

THREAD = "china-exports"
EARTHS, MAGNETS = "X:rare-earth-products", "CN8:85051110"
STAGES = {"flash": (1, "flash", 7), "bulletin": (2, "monthly bulletin", 18), "query": (3, "codes by country", 20)}
RULES = """rules:
  - name: fall
    direction: drop
    watch: {measure: weight, product: [X:rare-earth-products, CN8:85051110], partner: [each, total]}
    when: {warning: ratio <= 0.75, critical: ratio <= 0.3}
    clear: ratio >= 0.9
"""
HEADING = "period,partner,product,value_t\n"


@pytest.fixture
def stages(desk: Any) -> Any:
    """Three entries of one thread, each with three usual months before October."""
    desk.sources = [_entry(desk, dataset, *stage) for dataset, stage in STAGES.items()]
    desk.edit_rules(RULES)
    desk.now = datetime(2025, 10, 25, tzinfo=UTC)
    desk.open()
    (desk.folder / "config" / "baskets.yaml").write_text(
        f"baskets: {{}}\ntitles: {{'{MAGNETS}': Magnets, '{EARTHS}': Rare earths}}\n"
        f"composites: {{'{EARTHS}': {{includes: ['{MAGNETS}'], rest: ores}}}}\n"
    )
    for dataset in STAGES:
        put(desk, dataset, "2025-07", *usual("2025-07"), *usual("2025-08"), *usual("2025-09"))
    run(desk)
    return desk


def _entry(desk: Any, dataset: str, step: int, name: str, day: int) -> dict[str, Any]:
    return {
        **desk.source, "dataset": dataset, "title": f"China {dataset}", "folder": dataset,
        "published": {"day_of_next_month": day, "time": "10:00", "january_with_february": True},
        "stage": {"thread": THREAD, "step": step, "name": name},
    }  # fmt: skip


def usual(period: str) -> list[str]:
    return [f"{period},World,{EARTHS},6000", f"{period},World,{MAGNETS},5000", f"{period},United States,{MAGNETS},600"]


def put(desk: Any, dataset: str, period: str, *rows: str) -> None:
    """Put the release of a dataset into its folder."""
    folder = desk.folder / dataset
    folder.mkdir(exist_ok=True)
    path = folder / f"{period}.csv"
    path.write_text(HEADING + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    old = desk.now.timestamp() - 3600
    os.utime(path, (old, old))


def run(desk: Any) -> list[Digest]:
    """Pull and judge; return the pages of the receiver ``desk``."""
    app = desk.open()
    _, errors = pulling.pull_all(app)
    assert errors == []
    return [n.digest for n in notes(app)]


def notes(app: Any) -> list[Notification]:
    return [n for one in jobs.evaluate(app) for n in one.evaluation.notifications if n.receiver == "desk"]


def october(desk: Any, dataset: str, **tonnes: float) -> Digest:
    """Publish October in one stage, on its day or when it is past; return the page that tells it."""
    desk.now = max(desk.now, datetime(2025, 11, STAGES[dataset][2], 12, tzinfo=UTC))
    names = {"earths": ("World", EARTHS), "magnets": ("World", MAGNETS), "us": ("United States", MAGNETS)}
    put(desk, dataset, "2025-10", *(f"2025-10,{names[n][0]},{names[n][1]},{t}" for n, t in tonnes.items()))
    (page,) = run(desk)
    return page


def lines(page: Digest, part: Part) -> list[Line]:
    return [line for line in page.lines if line.part is part]


def test_each_stage_names_itself_and_its_place(stages: Any) -> None:
    assert october(stages, "flash", earths=1500).title == "China flash, October 2025 (first of three: flash, 7 November)"
    page = october(stages, "bulletin", earths=1500)
    assert page.title == "China bulletin, October 2025 (second of three: monthly bulletin, 18 November)"


def test_what_an_earlier_stage_told_is_not_told_again_but_counted(stages: Any) -> None:
    first = october(stages, "flash", earths=1500)
    assert [line.title for line in lines(first, Part.NEW)] == ["Rare earths, China to World"]
    second = october(stages, "bulletin", earths=1500)
    assert second.subject == "China bulletin, Oct 2025: 1 confirmed"
    (line,) = second.lines
    assert (line.part, line.text) == (
        Part.CONFIRMED,
        "Flash of 7 November: 1 figure confirmed, Rare earths, China to World (1,500 t). Confirmed: 1 critical.",
    )


def test_both_figures_are_said_where_the_same_series_differs(stages: Any) -> None:
    october(stages, "flash", earths=1500)
    (line,) = october(stages, "bulletin", earths=1473).lines
    assert "Rare earths, China to World (7 November: 1,500 t; now 1,473 t)." in line.text


def test_a_product_that_an_earlier_one_includes_is_no_news_and_its_countries_are(stages: Any) -> None:
    october(stages, "flash", earths=1500)
    page = october(stages, "query", magnets=1200, us=46)
    assert [line.title for line in lines(page, Part.NEW)] == ["Magnets, China to United States"]
    (confirmed,) = lines(page, Part.CONFIRMED)
    assert "1 figure confirmed, Magnets, China to World (1,200 t)" in confirmed.text


def test_the_latest_of_two_earlier_stages_is_the_one_confirmed(stages: Any) -> None:
    october(stages, "flash", earths=1500)
    october(stages, "bulletin", earths=1473)
    (line,) = october(stages, "query", earths=1470).lines
    assert line.title == "Monthly bulletin of 18 November"


def test_another_level_corrects(stages: Any) -> None:
    october(stages, "flash", earths=1500)
    page = october(stages, "bulletin", earths=4000)
    assert page.subject == "China bulletin, Oct 2025: 1 corrected"
    (line,) = lines(page, Part.CORRECTED)
    assert line.outcome == "New, warning; the flash of 7 November said critical (7 November: 1,500 t; now 4,000 t)"


def test_what_a_later_stage_clears_is_told_as_corrected_once(stages: Any) -> None:
    october(stages, "flash", earths=1500)
    page = october(stages, "bulletin", earths=5900)
    (line,) = page.lines
    assert line.part is Part.CORRECTED
    assert line.figure == "5,900 t in October 2025"
    assert line.outcome == "Corrected: no level holds; the flash of 7 November said critical (7 November: 1,500 t; now 5,900 t)"
    stages.now += timedelta(days=5)
    put(stages, "bulletin", "2025-10-again", f"2025-10,World,{EARTHS},5901")
    assert run(stages) == []


def test_a_stage_that_does_not_have_the_figure_says_nothing_of_it(stages: Any) -> None:
    october(stages, "flash", earths=1500)
    put(stages, "query", "2025-10", f"2025-10,United States,{MAGNETS},600")
    assert run(stages) == []


def test_a_product_within_one_that_fell_is_not_cleared_by_being_as_usual(stages: Any) -> None:
    october(stages, "flash", earths=1500)
    put(stages, "query", "2025-10", f"2025-10,World,{MAGNETS},5000")
    assert run(stages) == []


def test_whoever_was_not_told_by_the_first_stage_is_told_by_the_second(stages: Any) -> None:
    october(stages, "flash", earths=1500)
    stages.receivers = [*stages.receivers, {"name": "late", "kind": "file", "folder": "var/late"}]
    stages.open()
    routes = stages.folder / "config" / "routes.yaml"
    routes.write_text(routes.read_text().replace('"receivers": ["desk"]', '"receivers": ["desk", "late"]'))
    stages.now = datetime(2025, 11, 18, 12, tzinfo=UTC)
    put(stages, "bulletin", "2025-10", f"2025-10,World,{EARTHS},1500")
    from monitor.app import App

    app = App.open(stages.folder / "config", {}, clock=lambda: stages.now)
    stages.opened.append(app)
    pulling.pull_all(app)
    pages = {n.receiver: n.digest for one in jobs.evaluate(app) for n in one.evaluation.notifications}
    assert [line.part for line in pages["late"].lines] == [Part.NEW]
    assert [line.part for line in pages["desk"].lines] == [Part.CONFIRMED]


def test_a_stage_that_comes_late_does_not_repeat_what_later_ones_told(stages: Any) -> None:
    october(stages, "bulletin", earths=1500)
    (line,) = october(stages, "flash", earths=1500).lines
    assert line.title == "Monthly bulletin of 18 November"


def test_the_next_month_is_told_anew(stages: Any) -> None:
    for dataset in ("flash", "bulletin"):
        october(stages, dataset, earths=4000)
    stages.now = datetime(2025, 12, 7, 12, tzinfo=UTC)
    put(stages, "flash", "2025-11", f"2025-11,World,{EARTHS},900")
    (page,) = run(stages)
    assert [line.part for line in page.lines] == [Part.WORSE]


def test_the_stages_of_a_month_are_one_conversation_and_one_group_and_other_months_are_others(stages: Any) -> None:
    found = []
    for dataset, period, tonnes, day in (
        ("flash", "2025-10", 1500, datetime(2025, 11, 7, 12, tzinfo=UTC)),
        ("bulletin", "2025-10", 1473, datetime(2025, 11, 18, 12, tzinfo=UTC)),
        ("flash", "2025-11", 6000, datetime(2025, 12, 7, 12, tzinfo=UTC)),
    ):
        stages.now = day
        put(stages, dataset, period, f"{period},World,{EARTHS},{tonnes}")
        pulling.pull_all(stages.open())
        found += notes(stages.app)
    assert [n.digest.group for n in found] == [{"thread": THREAD, "period": m} for m in ("2025-10", "2025-10", "2025-11")]
    mail = Email("mail", _mail(), client=None, clock=lambda: stages.now)  # type: ignore[arg-type]
    roots = [re.search("References: (<.*>)", mail.show(message_of(n))["mails"][0])[1] for n in found]  # type: ignore[index]
    assert roots[0] == roots[1] != roots[2]
    assert len({n.thread for n in found}) == 1  # messages of a route keep their order, whatever they are about


def _mail() -> Any:
    return Email.Parameters.model_validate({"host": "127.0.0.1", "tls": "none", "to": ["ada@example.com"]})


def test_two_entries_that_are_on_are_not_one_step(stages: Any) -> None:
    stages.sources[1]["stage"]["step"] = 1
    with pytest.raises(SettingsError, match="step 1 of china-exports is customs/flash already"):
        stages.open()
    stages.sources[1]["enabled"] = False
    stages.open()


@pytest.mark.parametrize(
    "stage",
    [{"thread": "a b", "step": 1, "name": "x"}, {"thread": "a", "step": 0, "name": "x"}, {"thread": "a", "step": 1, "name": " "}],
)
def test_a_stage_that_cannot_be_named_is_refused(stages: Any, stage: dict[str, Any]) -> None:
    stages.sources[0]["stage"] = stage
    with pytest.raises(SettingsError):
        stages.open()
