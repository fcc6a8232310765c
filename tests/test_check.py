"""What a check finds: every mistake of all files, rules without figures, rivals; and it makes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from monitor import pulling
from monitor.app import App
from monitor.check import check
from monitor.errors import SettingsError

RULE = """rules:
  - name: {name}
    direction: drop
    watch: {{{watch}, flow: export, measure: weight, partner: each}}
    when: {{warning: ratio < 0.5}}
"""


@pytest.fixture
def desk(held_magnets, tmp_path) -> Path:
    return Path(shutil.copytree(held_magnets, tmp_path / "held"))


def with_rule(desk: Path, watch: str, name: str = "odd-rule") -> Path:
    path = desk / "rules" / f"{name}.yaml"
    path.write_text(RULE.format(name=name, watch=watch))
    return path


def test_a_check_without_figures_says_so_and_makes_no_database(magnets_desk):
    found = check(magnets_desk / "config")
    assert (found.mistakes, found.warnings) == ((), ())
    assert found.notes == ("No figures are held yet: which series the rules watch is checked after `monitor run`.",)
    assert found.summary == "6 rules, 1 source, 3 receivers and 4 routes: no mistake."
    assert not (magnets_desk / "var").exists()


def test_a_rule_that_watches_nothing_of_its_source_is_a_mistake(desk):
    path = with_rule(desk, 'source: gacc, product: "CN8:01012100"')
    (mistake,) = check(desk / "config").mistakes
    assert (mistake.path, mistake.line) == (str(path), 2)
    assert mistake.sentence.startswith('rule "odd-rule" watches nothing of the figures held: ')
    assert "CN8:01012100" in mistake.sentence


def test_a_rule_that_watches_nothing_is_a_warning_where_its_source_holds_nothing(desk):
    with_rule(desk, "source: comtrade")
    found = check(desk / "config")
    assert found.mistakes == ()
    assert 'rule "odd-rule" watches nothing yet: no figures of comtrade are held' in [w.sentence for w in found.warnings]


def test_a_rule_that_names_no_source_and_finds_nothing_is_a_warning(desk):
    found = check(desk / "config")
    assert found.mistakes == ()
    assert [w.sentence for w in found.warnings] == [
        'rule "unit-value-doubt" watches nothing of the figures held; `monitor rules show unit-value-doubt` says why'
    ]


def test_a_rule_that_two_sources_could_feed_must_name_one(desk):
    with_rule(desk, "reporter: CN")
    assert check(desk / "config").mistakes == ()
    sources = desk / "config" / "sources.yaml"
    _, _, entry = sources.read_text().partition("sources:\n")
    sources.write_text(f"sources:\n{entry}{entry.replace('name: gacc', 'name: mirror')}")
    app = App.open(desk / "config", {})
    pulling.pull_all(app)
    app.close()
    (mistake,) = check(desk / "config").mistakes
    assert mistake.sentence == 'rule "odd-rule" fits gacc magnets and mirror magnets; name the source under watch'


def test_mistakes_of_config_and_of_rules_are_told_together(desk):
    events = desk / "config" / "events.yaml"
    events.write_text(events.read_text() + "\nodd: 1\n")
    with_rule(desk, 'source: gacc, produkt: "CN8:01012100"')
    with_rule(desk, "source: gacc, basket: no-such", "other-rule")
    found = [str(mistake) for mistake in check(desk / "config").mistakes]
    assert any("events.yaml" in one and '"odd"' in one for one in found)
    assert any("odd-rule.yaml:4:" in one and 'did you mean "product"?' in one for one in found)
    assert any("other-rule.yaml:4:" in one and "no-such" in one for one in found)


def test_baskets_that_cannot_be_read_make_no_rule_wrong(desk):
    (desk / "config" / "baskets.yaml").write_text("baskets: 3\n")
    found = check(desk / "config").mistakes
    assert {Path(mistake.path).name for mistake in found} == {"baskets.yaml"}


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SettingsError, match="there is no such folder; `monitor init`"):
        check(tmp_path / "config")


def test_a_server_that_does_not_answer_leaves_the_files_checked(magnets_desk, monkeypatch):
    monkeypatch.setenv("MONITOR_DATABASE", "postgresql+psycopg://monitor:hidden-5b2e@127.0.0.1:1/monitor")
    found = check(magnets_desk / "config")
    assert found.mistakes == ()
    assert "does not answer" in found.notes[0]
    assert "5b2e" not in found.notes[0]
