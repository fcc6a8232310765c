"""The house itself: rooms in their order, pure judging, plain names, and nothing named that is not there."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor import registry

PURE = ("panel.py", "detection", "rules", "judge.py", "alerts")
CLOCKS_AND_CHANCE = {"now", "utcnow", "today", "random", "default_rng", "uuid1", "uuid4", "perf_counter", "monotonic"}
VAGUE = {
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "managers",
    "service",
    "services",
    "common",
    "core",
    "misc",
    "base_classes",
}
FOLDERS = ("monitor", "tests", "config", "rules", "docs", "benchmarks", ".ci", "requirements")
ROOT = Path(__file__).resolve().parent.parent


def ours(*suffixes: str) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix in suffixes:
                yield path
    yield from (path for path in sorted(ROOT.iterdir()) if path.is_file() and path.suffix in suffixes)


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, env={**os.environ, **environ})


def test_a_room_imports_only_from_the_rooms_below_it_and_judging_is_pure() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    found = run(str(linter), "--no-cache")
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("room", PURE)
def test_a_pure_room_asks_no_clock_and_no_chance(room: str) -> None:
    path = ROOT / "monitor" / room
    asked = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node.func)}"
        for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS_AND_CHANCE
    ]
    assert asked == []


def test_files_are_named_after_their_subject() -> None:
    assert [str(path) for path in ours(".py") if path.stem.removeprefix("test_") in VAGUE] == []


@pytest.mark.parametrize(("group", "kind"), [(group, kind) for group in registry.KINDS for kind in registry.KINDS[group]])
def test_every_kind_can_be_loaded_and_has_its_own_tests(group: str, kind: str) -> None:
    made = registry.load(group, kind)
    module = Path(sys.modules[made.__module__].__file__ or "").relative_to(ROOT / "monitor")
    assert (ROOT / "tests" / module.parent / f"test_{module.name}").is_file()


def test_every_room_has_tests_and_every_test_file_a_room() -> None:
    modules = {path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    strangers = [
        str(path)
        for path in modules
        if path.parts[0] not in ("e2e", "contracts", "benchmarks", "test_house.py", "test_docs.py", "test_benchmarks.py")
        and not (ROOT / "monitor" / path.parent / path.name.removeprefix("test_")).is_file()
    ]
    assert strangers == []


def test_what_the_documents_link_to_exists() -> None:
    documents = list(ours(".md"))
    assert ROOT / "README.md" in documents
    lost = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", document.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:") and not (document.parent / target).exists()
    ]
    assert lost == []


def test_the_runbooks_that_rules_name_exist() -> None:
    named = [
        (path, found) for path in ours(".yaml") for found in re.findall(r"^\s*runbook:\s*(docs/\S+)", path.read_text(), re.M)
    ]
    assert [f"{path.name}: {target}" for path, target in named if not (ROOT / target.partition("#")[0]).is_file()] == []


def test_no_file_names_the_machine_it_was_written_on_or_a_package_host() -> None:
    forbidden = ("/" + "work/", "/" + "root/", "py" + "pi.org", "python" + "hosted.org")
    named = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in ours(".py", ".md", ".yaml", ".toml", ".txt", ".j2", "")
        for word in forbidden
        if word in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert named == []


def pinned(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==(\S+)", text, re.M))


def test_both_requirement_files_pin_the_same_versions_with_hashes() -> None:
    running, testing = pinned("run.txt"), pinned("test.txt")
    assert len(running) > 20
    assert {name: version for name, version in running.items() if testing.get(name) != version} == {}
    for name in ("run.txt", "test.txt"):
        entries = re.split(r"\n(?=[a-z])", (ROOT / "requirements" / name).read_text(encoding="utf-8"))
        assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^\.PHONY: (.*)$", makefile, re.M)[0].split()
    listed = [line.split()[0] for line in run("make", "--no-print-directory", "help").stdout.splitlines()]
    assert sorted(listed) == sorted(targets)


def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    found = run("make", "-C", str(tmp_path), "-f", str(ROOT / "Makefile"), "run", f"PYTHON={old}")
    assert found.returncode != 0
    assert f"Trade Monitor needs Python 3.11 or newer; '{old}' is Python 3.9.2." in found.stderr
    assert not (tmp_path / ".venv").exists()


SKIPPING = """
import pytest

def test_with_a_tool():
    pytest.skip("no such tool here")
"""


@pytest.mark.parametrize(("forbid", "code", "said"), [("", 0, "1 skipped"), ("1", 1, "no such tool here")])
def test_skips_are_failures_where_they_are_forbidden(tmp_path: Path, forbid: str, code: int, said: str) -> None:
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_tool.py").write_text(SKIPPING)
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "-c", "/dev/null")
    found = run(*command, str(tmp_path), MONITOR_FORBID_SKIPS=forbid)
    assert (found.returncode, said in found.stdout) == (code, True), found.stdout


def test_the_licence_is_apache_2() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")[:200]
