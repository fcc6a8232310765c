"""A program that writes a table of each month into a folder: a CSV of one row a figure, in kilograms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.months import Month, format_month
from players.gacc import Drop
from players.office import Amount, Cell, Trouble

HEADING = "period,partner,product,kg"


class Office(Drop):
    """Weights alone, one file a month."""

    kind = "table"
    products = ("CN8:85051110",)
    wrong = {
        Trouble.CHANGED: lambda content: content.replace("partner", "country_of_destination"),
        Trouble.PAGE: lambda _: "<html><head><title>Sign in</title></head><body>Your session is over.</body></html>",
        Trouble.CUT: lambda content: content[: content.rindex(",") - 8],
    }

    def entry(self, **keys: Any) -> dict[str, Any]:
        return {
            "name": "table",
            "kind": "table",
            "dataset": "magnets",
            "folder": str(self.folder),
            "reporter": "CN",
            "flow": "export",
            "measure": "weight",
            "unit": "kg",
            "columns": {"value": "kg"},
            "coverage": {"products": list(self.products)},
            "absent": "zero",
            "published": {"day_of_next_month": 20, "time": "10:00", "zone": "Asia/Shanghai"},
            "complete_when": {"rows_at_least": "60%"},
        } | keys

    def content(self, cells: Mapping[Cell, Amount], month: Month) -> str:
        rows = [f"{format_month(month)},{of},{product},{amount.kg:.0f}" for (of, product), amount in cells.items()]
        return "".join(f"{row}\n" for row in (HEADING, *rows))
