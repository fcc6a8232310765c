"""The manual says what is there: commands, keys, files and examples that it names exist, and what exists is named."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest
import time_machine
import yaml
from click.testing import CliRunner
from pydantic import BaseModel

from monitor import cli, jobs, pulling
from monitor.alerts.records import Change
from monitor.app import App
from monitor.baskets import loading
from monitor.baskets.loading import load_baskets
from monitor.baskets.partners import load_partner_groups
from monitor.configuration import hours_keys, inhibit_keys, keys, route_keys
from monitor.detection.indicators import INDICATORS
from monitor.notify import alertmanager, console, email, file, pagerduty, slack, teams, webhook
from monitor.notify.render import text
from monitor.rules import example_keys, schema, summary
from monitor.rules.loading import load_rule_set
from monitor.settings import Settings
from monitor.sources import calendar, census, completeness, comtrade, eurostat, gacc, gacc_bulletin, hmrc, japan, korea, table
from monitor.vitals import Vitals
from monitor.web.metrics import DeskMetrics

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")), *sorted((ROOT / "docs").rglob("*.md"))]
OURS = ("config/", "rules/", "docs/", "monitor/", "tests/", "benchmarks/", "requirements/", ".ci/")
KEYS: dict[str, list[type[BaseModel]]] = {
    "rules": [
        schema.RuleModel,
        schema.Watch,
        schema.When,
        schema.OperationsModel,
        example_keys.ExampleKeys,
        example_keys.GivenKeys,
        example_keys.ReleaseKeys,
        example_keys.TransitionKeys,
        example_keys.FactKeys,
    ],
    "receivers": [
        keys.ReceiverKeys,
        keys.TemplateKeys,
        email.Email.Parameters,
        webhook.Webhook.Parameters,
        slack.Slack.Parameters,
        teams.Teams.Parameters,
        pagerduty.PagerDuty.Parameters,
        alertmanager.Alertmanager.Parameters,
        file.File.Parameters,
        console.Console.Parameters,
    ],
    "routing": [
        keys.BudgetKeys,
        route_keys.RouteFile,
        route_keys.RouteKeys,
        route_keys.EscalationKeys,
        inhibit_keys.InhibitKeys,
        hours_keys.HoursKeys,
        hours_keys.SpanKeys,
    ],
    "sources": [
        keys.SourceKeys,
        keys.Task,
        keys.StageKeys,
        table.TableParameters,
        gacc.GaccParameters,
        gacc_bulletin.GaccBulletinParameters,
        census.CensusParameters,
        comtrade.ComtradeParameters,
        eurostat.EurostatParameters,
        hmrc.HmrcParameters,
        japan.JapanParameters,
        korea.KoreaParameters,
        calendar.Calendar,
        keys.Ask,
        completeness.CompleteWhen,
        keys.Event,
    ],
    "baskets": [
        loading.BasketFile,
        loading.BasketKeys,
        loading.CodeKeys,
        loading.SuccessorKeys,
        loading.CompositeKeys,
    ],
    "operating": [
        keys.Monitor,
        keys.Http,
        keys.Log,
        keys.Digests,
        keys.Deliver,
        keys.Health,
        keys.Retention,
    ],
}
UNNAMED = {"name", "kind", "routes", "receivers"}  # said in the text, or the key of the file itself
ELSEWHERE = {"baskets", "titles", "composites"}  # tables of config/baskets.yaml in the page on rules


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def fences(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (language, content) of the blocks of a page."""
    yield from re.findall(r"^```(\w*)\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S)


def code(path: Path) -> Iterator[str]:
    """Yield everything that a page writes as code: spans, joined over line ends, and lines of plain blocks."""
    for language, content in fences(path):
        if not language:
            yield from content.splitlines()
    prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    yield from (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose))


def calls() -> list[tuple[str, list[str]]]:
    """Return every call of the command that the pages write, with the page's name."""
    found = []
    for path in PAGES:
        for written in code(path):
            words = shlex.split(written.partition("#")[0], posix=True) if re.match(r"(\S*/)?monitor( |$)", written) else []
            found += [(path.name, words[1:])] if words else []
    return found


def commands() -> dict[str, click.Command]:
    """Return every command by its words: ``alerts list``."""
    found: dict[str, click.Command] = {}
    for name in cli.COMMANDS:
        command = cli.root.get_command(click.Context(cli.root), name)
        assert command is not None
        group = command.commands if isinstance(command, click.Group) else None
        found |= {f"{name} {sub}": inner for sub, inner in group.items()} if group else {name: command}
    return found


def wrong_call(words: list[str]) -> str:
    """Say what is wrong with a call; "" where nothing is."""
    known = commands()
    if words[:1] == ["COMMAND"]:
        words = words[1:]
    groups = {name.split()[0] for name in known if " " in name}
    if words and words[0] in groups and len(words) == 1:
        return ""
    name = " ".join(words[:2]) if words and words[0] in groups else " ".join(words[:1])
    if name and not name.startswith("-") and name not in known:
        return f"there is no command {name}"
    params = known[name].params if name in known else cli.root.params
    options = {option for param in params for option in param.opts} | {"--help"}
    return next((f"{name} has no {word}" for word in words if word.startswith("--") and word not in options), "")


def test_every_call_of_the_command_in_the_pages_is_understood() -> None:
    written = calls()
    assert len(written) > 40
    assert [(name, words, wrong) for name, words in written if (wrong := wrong_call(words))] == []


def test_the_manual_names_every_command_and_every_option_of_it() -> None:
    said = page("operating")
    assert [name for name in commands() if f"`monitor {name}" not in said] == []
    every = {(name, option) for name, command in commands().items() for param in command.params for option in param.opts}
    named = {(name, option) for name, option in every if not option.startswith("--") or f"`{option}" in said}
    assert sorted(every - named) == []


@pytest.mark.parametrize("name", KEYS)
def test_a_page_names_every_key_and_no_other(name: str) -> None:
    fields = {info.alias or key for model in KEYS[name] for key, info in model.model_fields.items()}
    said = page(name)
    assert sorted(key for key in fields - UNNAMED if f"`{key}`" not in said) == []
    keys = {
        key
        for block in re.findall(r"^\| key \|[^\n]*\n\|[-|]*\n((?:\|[^\n]*\n)*)", said, re.M)
        for row in block.splitlines()
        for key in re.findall(r"`([^`]+)`", row.split("|")[1])
    }
    assert len(keys) > 5
    assert sorted(keys - fields - (ELSEWHERE if name == "rules" else set())) == []


def test_the_page_on_rules_names_every_indicator_fact_and_word_of_a_summary() -> None:
    said = page("rules")
    assert [name for name in INDICATORS if f"`{name}`" not in said] == []
    assert [fact.value for fact in schema.Fact if f"`{fact.value}`" not in said] == []
    assert [name for name in summary.SUMMARY_NAMES if f"`{{{name}}}`" not in said] == []


def test_the_page_on_alerts_tells_every_change() -> None:
    told = set(re.findall(r"^\| ([a-z_ ]+) \|", page("alerts"), re.M)) - {"change"}
    assert told == {change.value for change in Change}


def test_files_make_targets_and_variables_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "monitor").glob("*.py"))
    lost = []
    for path in PAGES:
        for written in code(path):
            word = written.split()[0].partition(":")[0] if written.split() else ""
            if word.startswith(OURS) and "…" not in word and not (ROOT / word).exists() and "neighbours" not in word:
                lost.append((path.name, word))
            if (made := re.match(r"make ([a-z]+)", written)) and made[1] not in targets:
                lost.append((path.name, written))
            lost += [
                (path.name, name) for name in re.findall(r"MONITOR_[A-Z_]+", written) if name.removesuffix("_FILE") not in source
            ]
    assert lost == []


def test_every_picture_is_shown() -> None:
    shown = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [path.name for path in sorted((ROOT / "docs" / "pictures").iterdir()) if f"pictures/{path.name}" not in shown] == []


def test_the_page_on_operating_names_every_metric(desk: Path) -> None:
    vitals, app = Vitals(), App.open(desk / "config", {})
    vitals.registry.register(DeskMetrics(app))
    shown = set(re.findall(r"^# HELP (monitor_\w+)", vitals.exposition().decode(), re.M))
    app.close()
    assert set(re.findall(r"`(monitor_\w+)`", page("operating"))) == shown


def examples(kind: str) -> list[Any]:
    found = []
    for path in PAGES:
        for n, (language, content) in enumerate(fences(path)):
            data = yaml.safe_load(content) if language == "yaml" else {}
            if kind in data:
                found.append(pytest.param(content, data, id=f"{path.stem}-{n}"))
    assert found, f"no page shows {kind}"
    return found


@pytest.mark.parametrize(("content", "data"), examples("rules"))
def test_rules_in_the_pages_load(content: str, data: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(content, encoding="utf-8")
    baskets = load_baskets(ROOT / "config" / "baskets.yaml").baskets
    groups = load_partner_groups(ROOT / "config" / "partners.yaml")
    found = load_rule_set(tmp_path, baskets=baskets, partner_groups=groups)
    assert [rule.name for rule in found.rules] == [rule["name"] for rule in data["rules"]]


@pytest.mark.parametrize(("content", "data"), examples("baskets"))
def test_baskets_in_the_pages_load(content: str, data: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "baskets.yaml").write_text(content, encoding="utf-8")
    found = load_baskets(tmp_path / "baskets.yaml").baskets
    assert [basket.why_no_total for basket in found.values()] == [""] * len(data["baskets"])


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    for name in ("config", "rules"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


NIGHT = {"from": "22:00", "to": "06:00", "time_zone": "UTC"}
SECRETS = {
    "CENSUS_API_KEY": "census-key",
    "COMTRADE_API_KEY": "comtrade-key",
    "SMTP_PASSWORD": "mail-password",
    "SLACK_URL": "https://hooks.slack.com/services/x",
    "SLACK_TOKEN": "xoxb-token",
    "TEAMS_URL": "https://flows.example.org/workflows/1?sig=x",
    "PAGERDUTY_KEY": "R0123456789abcdef0123456789ABCDE",
    "INCIDENTS_URL": "https://example.org/hook",
    "INCIDENTS_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "INCIDENTS_TOKEN": "Bearer token",
}


def added(desk: Path, name: str, data: dict[str, Any]) -> None:
    """Add the entries of an example to a shipped file, above its last one."""
    path = desk / "config" / f"{name}.yaml"
    shipped = yaml.safe_load(path.read_text(encoding="utf-8"))
    entries = [entry for entry in data[name] if entry["name"] not in {one["name"] for one in shipped[name]}]
    assert entries == data[name], "an example has a name of its own"
    shipped[name] = [*shipped[name][:-1], *entries, shipped[name][-1]]
    path.write_text(json.dumps(shipped), encoding="utf-8")


@pytest.mark.parametrize(("content", "data"), examples("receivers"))
def test_receivers_in_the_pages_load(content: str, data: dict[str, Any], desk: Path) -> None:
    added(desk, "receivers", data)
    found = Settings.load(desk / "config", SECRETS)
    assert {entry["name"] for entry in data["receivers"]} <= {receiver.name for receiver in found.receivers}


@pytest.mark.parametrize(("content", "data"), examples("routes"))
def test_routes_in_the_pages_load(content: str, data: dict[str, Any], desk: Path) -> None:
    (receivers,) = [p.values[1] for p in examples("receivers") if p.id.startswith("README")]
    added(desk, "receivers", receivers)
    path = desk / "config" / "routes.yaml"
    path.write_text(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")) | {"hours": data.get("hours", {"night": NIGHT})}))
    added(desk, "routes", data)
    found = Settings.load(desk / "config", SECRETS)
    assert {entry["name"] for entry in data["routes"]} <= {route.name for route in found.routes.routes}


@pytest.mark.parametrize(("content", "data"), examples("sources"))
def test_sources_in_the_pages_load(content: str, data: dict[str, Any], desk: Path) -> None:
    added(desk, "sources", data)
    found = Settings.load(desk / "config", SECRETS)
    assert {entry["name"] for entry in data["sources"]} <= {source.name for source in found.sources}


def test_what_the_first_page_says_was_measured_stands_in_the_benchmarks() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Measured")[2].partition("\n## ")[0]
    numbers = {number for row in re.findall(r"^\|.*$", section, re.M) for number in re.findall(r"\d[\d,.]*\d|\d", row)}
    measured = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert len(numbers) > 5
    assert {number for number in numbers if not re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d])", measured)} == set()


def test_the_first_screen_shows_what_the_program_writes_about_may_2025(desk: Path) -> None:
    blocks = list(fences(ROOT / "README.md"))
    (rule,) = yaml.safe_load(blocks[0][1])["rules"]
    shown = next(content for language, content in blocks if language == "text")
    shipped = yaml.safe_load((desk / "rules" / "rare-earth-magnets.yaml").read_text(encoding="utf-8"))
    same = next(one for one in shipped["rules"] if one["name"] == rule["name"])
    assert {**same, "watch": shipped["defaults"]["watch"], "at_least": shipped["defaults"]["at_least"]} == rule
    app = App.open(desk / "config", {}, clock=lambda: datetime(2026, 1, 5, 9, tzinfo=UTC))
    pulling.pull(app, next(entry for entry in app.entries if entry.entry == "gacc/magnets"))
    judged = jobs.evaluate(app)
    app.close()
    pages = [n.digest for one in judged for n in one.evaluation.notifications if "gacc-2025-05" in n.digest.release]
    assert pages
    assert shown in text(pages[0]), f"the program writes:\n{text(pages[0])}"


def test_what_is_shown_of_a_file_without_a_desk_is_what_the_program_writes(tmp_path: Path) -> None:
    (words,), (same,) = (
        [w for n, w in calls() if n == name and w[:1] == ["expect"] and len(w) > 3] for name in ("expect.md", "README.md")
    )
    assert words == same
    out = tmp_path / words[words.index("--out") + 1]
    words = [str(ROOT / word) if word.startswith("monitor/") else str(out) if word == out.name else word for word in words]
    result = CliRunner().invoke(cli.root, words, prog_name="monitor")
    for path in (ROOT / "README.md", ROOT / "docs" / "expect.md"):
        assert ("text", result.stdout) in fences(path), result.output
    shown = [line.split(",") for language, content in fences(path) if language == "csv" for line in content.splitlines()]
    written = {tuple(line.split(",")[:4]): line.split(",") for line in out.read_text(encoding="utf-8").splitlines()}
    for cells in shown:
        found = written[tuple(cells[:4])]
        assert (found[4], found[-1]) == (cells[4], cells[-1])
        if cells[4].isdigit():
            assert [float(cell) for cell in found[5:9]] == pytest.approx([float(cell) for cell in cells[5:9]], rel=0.15, abs=0.3)


def test_what_is_shown_of_the_calendar_is_what_the_program_writes(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    with time_machine.travel("2025-12-22T09:00:00+00:00", tick=False):
        assert CliRunner().invoke(cli.root, ["pull"]).exit_code == 0
        written = CliRunner().invoke(cli.root, ["calendar"]).stdout
    assert ("text", written) in fences(ROOT / "docs" / "operating.md"), written


def test_what_is_shown_of_sources_is_what_the_program_writes(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    monkeypatch.setenv("CENSUS_API_KEY", "census-key")
    blocks = list(fences(ROOT / "docs" / "sources.md"))
    called = [shlex.split(content)[1:] for language, content in blocks if not language]
    assert [words[:2] for words in called] == [["sources", "test"], ["sources", "new"]]
    listed, *said = [CliRunner().invoke(cli.root, words, prog_name="monitor").stdout for words in (["sources"], *called)]
    begins, *shown = [content for language, content in blocks if language == "text"]
    assert listed.startswith(begins), listed
    assert said == shown


def test_what_is_shown_of_vintages_is_what_the_program_writes(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    blocks = list(fences(ROOT / "docs" / "vintages.md"))
    (given,), (asked,) = ([content for language, content in blocks if language == name] for name in ("csv", "python"))
    Path("revised.csv").write_text(given, encoding="utf-8")
    typed = [shlex.split(line)[1:] for language, content in blocks if not language for line in content.splitlines()]
    _, _, *shows = [CliRunner().invoke(cli.root, words, prog_name="monitor").stdout for words in typed]
    found = io.StringIO()
    with contextlib.redirect_stdout(found):
        exec(asked, {})
    app = App.open(desk / "config", {}, clock=lambda: datetime(2026, 1, 5, 9, tzinfo=UTC))
    (last,) = [n.digest for n in jobs.evaluate(app)[-1].evaluation.notifications if n.receiver == "desk"]
    app.close()
    *shown, section = [content for language, content in blocks if language == "text"]
    assert shown == [*shows, found.getvalue()]
    assert section in text(last), f"the program writes:\n{text(last)}"
