"""Sources as the command line lists, tries and begins them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from werkzeug import Response

from monitor import registry
from monitor.sources.skeleton import Skeleton

LIVE = """
  - {{name: office, kind: hmrc, enabled: false, dataset: imports/cn8, products: ["850511"], base_url: "{url}"}}
"""


@pytest.fixture
def live_desk(new_desk, httpserver, caplog):
    """At a desk with a source that is off, whose office is a server here."""
    caplog.set_level("ERROR", logger="werkzeug")  # the office's own log is not what the command says
    with (new_desk.folder / "config" / "sources.yaml").open("a") as file:
        file.write(LIVE.format(url=httpserver.url_for("")))
    limits = 'http: {allow_hosts: ["127.0.0.1", localhost], per_host_per_minute: 60000, attempts: 1}\n'
    (new_desk.folder / "config" / "monitor.yaml").write_text(limits)
    return new_desk


def played(request):
    asked = re.search(r"MonthId eq (\d+)", request.args["$filter"])[1]
    return Response(f'{{"value": [{{"MonthId": {asked}}}]}}', content_type="application/json")


def test_every_kind_is_listed_with_the_desks_entries(desk):
    said = desk.reads("sources")
    assert said == desk.reads("sources", "list")
    assert "table          Any file of figures, described by a mapping instead of a program\n" in said
    assert "          on  gacc/magnets: last release gacc-2025-10-" in said
    assert "datasets imports/cn8 and exports/cn8; needs no key\n" in said
    assert "needs key (free at comtradedeveloper.un.org)\n" in said


def test_the_list_is_json_for_programs(desk):
    listed = {one["kind"]: one for one in desk.json("sources", "list")}
    assert list(listed) == list(registry.kinds("sources"))
    assert desk.json("sources") == list(listed.values())
    (entry,) = listed["table"]["entries"]
    assert (entry["name"], entry["enabled"], entry["last_release"]["periods"][-1]) == ("gacc/magnets", True, "2025-10")
    assert listed["census"]["datasets"] == ["imports/hs", "exports/hs", "imports/naics"]
    assert listed["census"]["keys"] == {"key": "free at api.census.gov/data/key_signup.html"}


def test_an_option_before_the_command_is_not_swallowed(desk):
    result = desk.types("sources", "--json", "test", "gacc")
    assert result.exit_code == 2
    assert "write --json after the command" in result.stderr


def test_a_source_that_is_off_is_tried(live_desk, httpserver):
    httpserver.expect_request("/OTS").respond_with_handler(played)
    said = live_desk.reads("sources", "test", "office")
    assert re.fullmatch(
        r"reached \S+ in \d+\.\d s; newest month out: [A-Z][a-z]+ \d{4}; next due \d+ [A-Z][a-z]+( \d{4})?\n", said
    )
    assert not (live_desk.folder / "var").exists()


def test_a_source_that_does_not_answer_exits_1_with_its_sentence(live_desk, httpserver):
    httpserver.expect_request("/OTS").respond_with_data("<title>Down for maintenance</title>", content_type="text/html")
    told = live_desk.is_told("sources", "test", "office")
    assert told.startswith("monitor: ")
    assert "a web page came in place of figures" in told
    assert live_desk.is_told("sources", "test", "offise/imports/cn8").endswith('did you mean "office/imports/cn8"?')


def test_a_skeleton_is_printed_with_where_it_goes(desk):
    result = desk.types("sources", "new", "new_zealand")
    assert result.exit_code == 0
    assert "keleton" not in result.stdout
    compile(result.stdout, "new_zealand.py", "exec")
    for place in (
        "monitor/sources/new_zealand.py ",
        '"new_zealand": "monitor.sources.new_zealand:NewZealand",',
        "tests/players/new_zealand.py ",
        "tests/sources/test_new_zealand.py ",
        "tests/contracts/test_kinds.py ",
        '[project.entry-points."monitor.sources"]',
    ):
        assert place in result.stderr


def test_a_skeleton_is_written_as_the_house_writes(desk, tmp_path, repository):
    out = tmp_path / "chile.py"
    assert "tests/sources/test_chile.py" in desk.reads("sources", "new", "chile", "--out", str(out))
    python = [sys.executable, "-m"]
    settings = str(repository / "pyproject.toml")
    for order in (["check"], ["format", "--check"]):
        words = [*python, "ruff", *order, "--no-cache", "--config", settings, str(out)]
        found = subprocess.run(words, cwd=repository, capture_output=True, text=True, timeout=60)
        assert found.returncode == 0, found.stdout + found.stderr


def test_a_file_that_is_there_is_not_written_over(desk, tmp_path):
    (tmp_path / "chile.py").write_text("mine")
    told = desk.is_told("sources", "new", "chile", "--out", str(tmp_path / "chile.py"))
    assert told.endswith("chile.py: there already; choose another name")
    assert (tmp_path / "chile.py").read_text() == "mine"


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("census", 'the kind "census" is there already: monitor.sources.census:Census'),
        ("http", "monitor/sources/http.py is there already"),
        ("client", '"client" would need a class Client, which every source uses already'),
        ("New-Zealand", '"New-Zealand" cannot be a kind'),
        ("class", '"class" cannot be a kind'),
        ("../chile", '"../chile" cannot be a kind'),
    ],
)
def test_a_word_that_cannot_be_a_kind_is_told(desk, kind, says):
    assert says in desk.is_told("sources", "new", kind)


def test_the_skeleton_itself_is_no_kind(desk):
    assert "monitor/sources/skeleton.py is there already" in desk.is_told("sources", "new", "skeleton")
    assert Skeleton.__module__ not in "".join(registry.kinds("sources").values())
