"""Two accounts of one flow on a desk: the importer's comes in turned round, is labelled, and is judged beside what was known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from players.office import HTTP
from pytest_httpserver import HTTPServer

from monitor import jobs, pulling
from monitor.app import App
from monitor.check import check
from monitor.companions import with_companions
from monitor.detection.gap import mirror_gap
from monitor.explain import explain
from monitor.months import Month, format_month, month, parse_month
from monitor.replay.rehearsal import choose, rehearse
from monitor.series import Basis, ReleaseState

REPOSITORY = Path(__file__).resolve().parents[2]
FIRST = month(2023, 1)
EXPORTS = (500, 640, 450, 560, 630, 480, 600, 520, 650, 460, 570, 540, 620, 490, 660, 510, 590, 470, 580, 550, 610, 440, 540, 600)
HEADING = "period,partner,product,value\n"
SHARED = {
    "kind": "table", "folder": "inbox", "measure": "weight", "unit": "t", "absent": "zero", "coverage": "file",
    "resolution": {"weight": "1 t"},
}  # fmt: skip
CHINA = SHARED | {"name": "china", "dataset": "exports", "reporter": "CN", "flow": "export", "nomenclature": "CN8"}
CUSTOMS = SHARED | {
    "name": "customs", "dataset": "imports", "reporter": "US", "flow": "import", "nomenclature": "HS6", "title": "US imports",
    "basis": "mirror", "of": ["CN"], "complete_when": {"total": "required"},
}  # fmt: skip


def rows_of(partner: str, product: str, figures: dict[Month, float]) -> str:
    return "".join(f"{format_month(period)},{partner},{product},{value}\n" for period, value in figures.items())


def imports(figures: dict[Month, float], *, total: bool = True) -> str:
    """Lines of US imports: from China, from Japan, and of the world."""
    whole = {period: value + 50 for period, value in figures.items()}
    lines = HEADING + rows_of("China", "850511", figures) + rows_of("Japan", "850511", dict.fromkeys(figures, 50.0))
    return lines + (rows_of("World", "850511", whole) if total else "")


def exports(figures: dict[Month, float]) -> str:
    return HEADING + rows_of("United States", "85051110", figures)


@pytest.fixture
def desk(new_desk: Callable[..., Any], tmp_path: Any) -> Any:
    """Two years of both accounts, the importer's a month later and a tenth more."""
    desk = new_desk(tmp_path / "mirror", sources=["gacc/magnets"], rules=["mirror-gap", "rare-earth-magnets"])
    desk.edit("config/sources.yaml", lambda content: content.update(sources=[CHINA, CUSTOMS]))
    months = {FIRST + n: float(value) for n, value in enumerate(EXPORTS)}
    desk.take_in("china/exports", exports(months), "2025-01-18T10:00+00:00")
    late = {period + 1: round(value * 1.1) for period, value in list(months.items())[:-1]}
    desk.take_in("customs/imports", imports(late), "2025-02-05T13:30+00:00")
    desk.take_in("china/exports", exports({month(2025, 1): 510}), "2025-02-20T10:00+00:00")
    return desk


def fall(desk: Any) -> list[Any]:
    """January's imports are half of what December's exports make usual."""
    judged: list[Any] = desk.take_in("customs/imports", imports({month(2025, 1): 100}), "2025-03-06T13:30+00:00")
    return judged


def gap_of(desk: Any, as_of: Any = None) -> float:
    panel = desk.app.figures.panel("customs", "imports", as_of=as_of)
    panel = with_companions(desk.app, panel, desk.app.ruleset.rules, as_of)
    return float(mirror_gap(panel)[0, -1])


def test_the_importer_s_figures_are_the_exporter_s_flow_and_its_total_is_gone(desk: Any) -> None:
    (key,) = desk.app.figures.keys_of("customs", "imports")
    assert (key.reporter, key.partner, key.flow, key.basis, key.product) == ("CN", "US", "export", "mirror", "HS6:850511")
    assert {key.basis for key in desk.app.figures.keys_of("china", "exports")} == {Basis.REPORTED}


def test_a_release_without_its_total_is_held_though_the_total_is_not_kept(desk: Any) -> None:
    desk.take_in("customs/imports", imports({month(2025, 1): 100}, total=False), "2025-03-06T13:30+00:00")
    (held,) = desk.app.releases.find(state=ReleaseState.HELD)
    assert held.note == "no World total of import weight in 2025-01"


def test_every_message_says_whose_figures_it_tells(desk: Any) -> None:
    (one,) = fall(desk)
    (page,) = [n.digest for n in one.evaluation.notifications if n.receiver == "desk"]
    assert page.subject.startswith("US imports (mirror), Jan 2025: ")
    (line,) = page.lines
    assert line.title == "Rare earth magnets, China to United States, as the United States reports its imports"
    assert "less than usual beside what China itself gives" in line.text
    assert "counted 1 month later, as learned" in line.text
    assert page.credit.endswith("values may hold freight and insurance (CIF), so weights compare better.")
    assert {state.labels["basis"] for n in one.evaluation.notifications for state in n.digest.alerts} == {"mirror"}


def test_the_gap_is_judged_beside_what_was_known_and_no_later_revision(desk: Any) -> None:
    (one,) = fall(desk)
    told = next(t for t in one.evaluation.transitions if t.evidence["condition"].get("mirror_gap") is not None)
    then = told.evidence["condition"]["mirror_gap"]
    assert told.evidence["condition"]["lag"] == 1
    desk.take_in("china/exports", exports({month(2024, 12): 200}), "2025-03-20T10:00+00:00")  # revised down, later
    assert gap_of(desk, one.release) == pytest.approx(then, abs=1e-6)
    assert gap_of(desk) > then + 0.1
    (rehearsal,) = rehearse(desk.app, [choose(desk.app, "magnet-mirror-gap")], parse_month("2025-01"), as_published=True)
    (found,) = [t for replay in rehearsal.replays for _, _, t in replay.transitions]
    assert found.evidence["condition"]["mirror_gap"] == then


def test_an_explanation_reads_the_same_gap_and_says_at_which_figures_it_would_hold(desk: Any) -> None:
    watch = {"basis": "mirror", "measure": "weight"}
    rule = {"name": "code-gap", "direction": "drop", "watch": watch, "when": {"info": "mirror_gap <= -30%"}}
    desk.write("rules/code.yaml", {"rules": [rule]})
    desk.open()
    *_, one = fall(desk)
    (version,) = [rule.version for rule in desk.app.ruleset.rules if rule.name == "code-gap"]
    told = next(t for t in one.evaluation.transitions if t.evidence["rule_version"] == version)
    panel = desk.app.figures.panel("customs", "imports", as_of=one.release)
    panel = with_companions(desk.app, panel, desk.app.ruleset.rules, one.release)
    found = explain(panel, panel.keys[0], month(2025, 1), desk.app.ruleset.rules, desk.app.names("customs", "imports"))
    (opinion,) = [opinion for opinion in found.opinions if opinion.rule == "code-gap"]
    assert opinion.values["mirror_gap"] == pytest.approx(told.evidence["condition"]["mirror_gap"], abs=1e-6)
    assert "Holds at or below" in opinion.checks[0].sentence


def test_a_release_of_the_exporter_does_not_judge_the_importer_s_series(desk: Any) -> None:
    fall(desk)
    (later,) = desk.take_in("china/exports", exports({month(2025, 2): 400}), "2025-03-20T10:00+00:00")
    assert [count.rule for count in later.evaluation.counts if count.judged] == []
    assert {episode.key.source for episode in desk.app.episodes.find(rule="magnet-mirror-gap")} == {"customs"}


def test_a_rule_that_fits_both_accounts_must_name_one(desk: Any) -> None:
    fall(desk)
    watch = {"reporter": "CN", "flow": "export", "measure": "weight"}
    rule = {"name": "any-drop", "direction": "drop", "watch": watch, "when": {"warning": "ratio < 0.5"}}
    desk.write("rules/any.yaml", {"rules": [rule]})
    sentences = [mistake.sentence for mistake in check(desk.folder / "config").mistakes]
    assert any("any-drop" in sentence and "basis: reported, or mirror" in sentence for sentence in sentences)
    desk.write("rules/any.yaml", {"rules": [rule | {"watch": watch | {"basis": "mirror"}}]})
    assert not [sentence for sentence in sentences_of(desk) if "any-drop" in sentence]


def sentences_of(desk: Any) -> list[str]:
    found = check(desk.folder / "config")
    return [mistake.sentence for mistake in (*found.mistakes, *found.warnings)]


def test_the_shipped_rule_waits_for_an_entry_without_a_warning(new_desk: Callable[..., Any], tmp_path: Any) -> None:
    desk = new_desk(tmp_path / "plain", sources=["gacc/magnets"], rules=["mirror-gap", "rare-earth-magnets"])
    pulling.pull_all(desk.app)
    assert sentences_of(desk) == []


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"basis": "mirror", "of": []}, "of"),
        ({"basis": "reported", "of": ["CN"]}, "of goes with basis: mirror"),
        ({"basis": "mirror", "of": ["EU"]}, '"EU" is not one country'),
    ],
)
def test_an_entry_says_whose_flows_it_mirrors(desk: Any, keys: dict[str, Any], sentence: str) -> None:
    content = desk.read("config/sources.yaml")
    live = {"name": "us", "kind": "census", "dataset": "imports/hs", "level": "HS6", "key": {"env": "CENSUS_API_KEY"}} | keys
    content["sources"].append(live)
    desk.write("config/sources.yaml", content)
    assert any(sentence in one for one in sentences_of(desk))


IMPORTERS = {"census": "US", "comtrade": "JP", "eurostat": "DE", "hmrc": "GB", "japan": "JP", "korea": "KR"}


@pytest.mark.parametrize("kind", IMPORTERS)
def test_what_every_office_says_it_imports_is_mirrored(kind: str, httpserver: HTTPServer, tmp_path: Path) -> None:
    office = import_module(f"players.{kind}").Office(httpserver)
    for period in (month(2025, 4), month(2025, 5)):
        office.publish(period, {(partner, office.products[0]): kg for partner, kg in (("CN", 3000.0), ("VN", 500.0))})
    desk = {
        "sources": {"sources": [office.entry(first="2025-04", basis="mirror", of=["CN"])]},
        "receivers": {"receivers": [{"name": "desk", "kind": "file", "folder": "said", "as": "text"}]},
        "routes": {"operators": "desk", "routes": [{"name": "all", "receivers": ["desk"]}]},
        "monitor": {"http": HTTP},
    }
    shutil.copytree(REPOSITORY / "rules", tmp_path / "rules", ignore=lambda *_: ["tests"])
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    for name, content in desk.items():
        (tmp_path / "config" / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
    app = App.open(tmp_path / "config", dict(office.environ), clock=lambda: datetime(2025, 8, 10, tzinfo=UTC))
    (entry,) = app.entries
    pulling.pull(app, entry)
    panel = app.figures.panel(entry.name, entry.dataset)
    assert {(key.reporter, key.flow, key.basis) for key in panel.keys} == {("CN", "export", "mirror")}
    told = [row for row, key in enumerate(panel.keys) if (key.partner, key.measure) == (IMPORTERS[kind], "weight")]
    assert panel.values[told].tolist() == [[3000.0, 3000.0]]
    assert "WORLD" not in {key.partner for key in panel.keys}
    app.close()


def test_what_is_judged_again_is_the_same(desk: Any) -> None:
    fall(desk)
    assert jobs.evaluate(desk.app) == []
