"""
Make the figures that come with the package from a folder of collected ones; run by hand when they change.

::

    python tools/bundle.py FOLDER

`FOLDER` holds ``magnets.csv``, ``events.csv`` and ``series/`` as ``monitor/data/README.md`` describes them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pandas as pd

DATA = Path(__file__).parent.parent / "monitor" / "data"
MAGNETS = {
    "rare earth permanent magnets (HS 85051110)": "CN8:85051110",
    "rare earth magnets incl. powder and alloys": "X:magnets-and-semifinished",
}


def one_figure_a_cell(rows: pd.DataFrame) -> pd.DataFrame:
    """
    Choose the row of each month, partner and product.

    Conflicts and empty values are dropped; stated before derived; then the row that also gives most of y/y and m/m; then
    whole tonnes; then the order of the file.
    """
    rows = rows[rows["period"].str.fullmatch(r"\d{4}-\d{2}") & (rows["kind"] != "conflict") & rows["value"].notna()]
    order = pd.DataFrame(
        {
            "derived": rows["kind"] == "derived",
            "rates": -rows[["yoy_pct", "mom_pct"]].notna().sum(axis=1),
            "fraction": rows["value"] % 1 != 0,
        }
    )
    best = rows.loc[order.sort_values(["derived", "rates", "fraction"], kind="stable").index]
    return best.drop_duplicates(["period", "partner", "product"]).sort_index()


def magnets(folder: Path) -> None:
    """China's magnet exports, one figure a cell, with the page of each."""
    rows = one_figure_a_cell(pd.read_csv(folder / "magnets.csv", dtype={"period": "str"}))
    rows = rows.assign(product=rows["product"].map(MAGNETS), value_t=rows["value"].map("{:g}".format))
    rows[["period", "partner", "product", "value_t", "kind", "source_url"]].to_csv(DATA / "magnets.csv", index=False)


def series(path: Path, name: str, code: str, measures: dict[str, str]) -> None:
    """One panel: product codes apart from their titles, texts as dictionaries, months as texts."""
    rows = pd.read_csv(path, dtype="str").astype({"value": "float64"})
    parts = rows["product"].str.extract(code)
    frame = pd.DataFrame(
        {
            "partner": rows["partner"].astype("category"),
            "product": parts["code"].astype("category"),
            "title": parts["title"].fillna("").str.strip().astype("category"),
            "measure": rows["measure"].map(measures).astype("category"),
            "period": rows["period"].astype("category"),
            "value": rows["value"].astype("int64"),
        }
    )
    frame = frame.drop(columns=[column for column in ("title",) if not frame[column].astype("str").any()])
    frame.sort_values(["measure", "product", "partner", "period"]).to_parquet(
        DATA / name, compression="zstd", compression_level=19, index=False
    )


if __name__ == "__main__":
    source = Path(sys.argv[1])
    magnets(source)
    imports = {"customs value": "value", "calculated duty": "duty"}
    series(
        source / "series/us_imports_naics3_by_country.csv.gz",
        "us_imports_naics3.parquet",
        r"NAICS(?P<code>\d+)(?P<title>.*)",
        imports,
    )
    exports = {"FAS value": "value"}
    series(
        source / "series/us_exports_to_china_hs4.csv.gz", "us_exports_china_hs4.parquet", r"HS(?P<code>\d+)(?P<title>.*)", exports
    )
    shutil.copyfile(source / "series/LICENSE-tradewartracker.txt", DATA / "LICENSE-tradewartracker.txt")
