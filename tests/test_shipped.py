"""What is installed is whole: a desk can be made, checked and run from the built wheel, without the checkout beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from monitor.shipped import shipped_folder

NEEDED = (
    "monitor/_desk/config/sources.yaml",
    "monitor/_desk/rules/rare-earth-magnets.yaml",
    "monitor/_desk/rules/rule.schema.json",
    "monitor/_desk/rules/tests/rare-earth-magnets.yaml",
    "monitor/data/magnets.csv",
    "monitor/rules/condition.lark",
)


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory) -> Path:
    """The wheel, built from a copy of what goes into it, and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    without = shutil.ignore_patterns("__pycache__")
    for name in ("monitor", "config", "rules", "docs/runbooks"):
        shutil.copytree(repository / name, source / name, ignore=without)
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(repository / name, source)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=source, check=True, capture_output=True, timeout=60)
    (built,) = folder.glob("*.whl")
    zipfile.ZipFile(built).extractall(folder / "installed")
    return folder / "installed"


def test_the_wheel_holds_every_file_of_the_package(wheel, repository):
    package = {str(p.relative_to(repository)) for p in (repository / "monitor").rglob("*") if p.is_file()}
    package = {name for name in package if "__pycache__" not in name}
    packed = {str(path.relative_to(wheel)) for path in wheel.rglob("*") if path.is_file()}
    assert package - packed == set()
    assert set(NEEDED) - packed == set()
    for name in ("config", "rules", "docs/runbooks"):
        shipped = {f"monitor/_desk/{p.relative_to(repository)}" for p in (repository / name).rglob("*.*") if p.is_file()}
        assert shipped - packed == set()


def test_a_desk_is_made_and_checked_from_the_wheel_alone(wheel, tmp_path):
    def monitor(*words: str, cwd: Path = tmp_path) -> str:
        environ = {**os.environ, "PYTHONPATH": str(wheel)}
        command = [sys.executable, "-c", "import monitor.cli; print(monitor.__file__); monitor.cli.main()", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ, cwd=cwd)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(str(wheel))
        return done.stdout

    assert "A desk is in desk" in monitor("init", "desk")
    assert "no mistake" in monitor("check", cwd=tmp_path / "desk")
    assert "passed." in monitor("test", "-k", "founding", cwd=tmp_path / "desk")
    assert "22 releases came in" in monitor("pull", "gacc", cwd=tmp_path / "desk")


def test_a_folder_that_did_not_come_with_the_package_is_named():
    assert shipped_folder("rules").name == "rules"
    with pytest.raises(FileNotFoundError, match="recipes/ did not come with this package"):
        shipped_folder("recipes")
