"""A desk with one file of made-up figures: as many series as a test writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor import pulling
from monitor.app import App
from monitor.months import Month, format_month, month

START = month(2015, 1)


@pytest.fixture
def desk(repository: Path, tmp_path: Path) -> Iterator[Callable[..., App]]:
    """
    Make a desk that holds these figures, by partner, in M USD; from January 2015 on where nothing else is said.

    ``Mexico/NAICS3:336/export`` is of another product and flow than the others.
    """
    opened: list[App] = []

    def of(
        figures: Mapping[str, Sequence[float | None]],
        *,
        dataset: str = "imports/naics",
        product: str = "NAICS3:334",
        start: Month = START,
    ) -> App:
        shutil.copytree(repository / "config", tmp_path / "config")
        shutil.copytree(repository / "rules", tmp_path / "rules")
        rows = [
            f"{named},{format_month(start + n)},{float(value)!r}"
            for partner, values in figures.items()
            for named in [partner.replace("/", ",") if "/" in partner else f"{partner},{product},import"]
            for n, value in enumerate(values)
            if value is not None
        ]
        (tmp_path / "figures.csv").write_text("partner,product,flow,period,value\n" + "\n".join(rows) + "\n", encoding="utf-8")
        keys = {"name": "census", "kind": "table", "dataset": dataset, "path": "figures.csv", "reporter": "US"}
        entry = keys | {"measure": "value", "unit": "M USD"}
        (tmp_path / "config" / "sources.yaml").write_text(json.dumps({"sources": [entry]}), encoding="utf-8")
        app = App.open(tmp_path / "config", {}, clock=lambda: datetime(2026, 2, 2, 9, tzinfo=UTC))
        opened.append(app)
        pulling.pull(app, app.entries[0])
        return app

    yield of
    for app in opened:
        app.close()
