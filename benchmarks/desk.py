"""A desk in a folder of its own: the shipped rules and receivers, and one file of US imports that changes every month."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd

from monitor.app import App
from monitor.shipped import shipped_folder

FIGURES = "us_imports_naics3.parquet"
SMALL = 40  # months of history where a quick look is enough

SOURCES = """\
sources:
  - name: census
    kind: table
    dataset: imports/naics
    title: US imports
    path: {path}
    reporter: US
    flow: import
    unit: USD
    nomenclature: NAICS3
    resolution: {{value: 1 USD, duty: 1 USD}}
    absent: zero
    published: {{days_after: 35, time: "08:30", zone: America/New_York}}
"""


def months(newest: int | None = None) -> dict[str, pd.DataFrame]:
    """Return the bundled US imports by month, all or some of the newest."""
    import monitor

    figures = pd.read_parquet(Path(monitor.__file__).parent / "data" / FIGURES)
    found = {str(name): part for name, part in figures.groupby("period", observed=True)}
    return {name: found[name] for name in sorted(found)[-(newest or len(found)) :]}


def open_desk(folder: Path) -> App:
    """Make a desk below a folder and open it."""
    for name in ("config", "rules"):
        shutil.copytree(shipped_folder(name), folder / name)
    (folder / "config" / "sources.yaml").write_text(SOURCES.format(path=folder / "imports.csv"), encoding="utf-8")
    return App.open(folder / "config", {})


def put(folder: Path, *parts: pd.DataFrame) -> None:
    """Replace the file that the desk's source reads."""
    pd.concat(parts).to_csv(folder / "imports.csv", index=False)
