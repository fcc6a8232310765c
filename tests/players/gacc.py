"""A person who asks the query of China's customs and drops the file into the folder, as SOURCES says of its files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.months import Month, format_month
from players.office import Amount, Cell, Ledger, Trouble, yyyymm

CHINESE = (
    '"数据年月","商品编码","商品名称","贸易伙伴编码","贸易伙伴名称","第一数量","第一计量单位","第二数量","第二计量单位","美元",'
)
PARTNERS = {
    "CA": "加拿大", "DE": "德国", "FR": "法国", "GB": "英国", "IN": "印度", "IT": "意大利", "JP": "日本", "KR": "韩国",
    "MX": "墨西哥", "MY": "马来西亚", "NL": "荷兰", "PL": "波兰", "SG": "新加坡", "TH": "泰国", "TW": "中国台湾", "US": "美国",
    "VN": "越南",
}  # fmt: skip


def text(*lines: str) -> str:
    """Return a file: every line ends in CRLF."""
    return "".join(f"{line}\r\n" for line in lines)


class Drop(Ledger):
    """
    A person with files: what is published is dropped as a file, which takes the place of the month's file before it.

    Parameters
    ----------
    folder : Path
        The watched folder.
    clock : callable
        When a file is dropped; it is there for five minutes then, so that it counts.
    """

    kind: str
    environ: Mapping[str, str] = {}
    encoding = "utf-8"
    files = 1
    """Of a month."""
    wrong: Mapping[Trouble, Callable[[str], str]]
    """What a file can be that is not right."""

    def __init__(self, folder: Path, clock: Callable[[], datetime], products: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.products = products or self.products
        self.folder, self.clock = folder, clock
        self._wrong: Trouble | None = None
        self._times: int | None = None
        folder.mkdir(parents=True, exist_ok=True)

    products: tuple[str, ...] = ()

    @property
    def troubles(self) -> frozenset[Trouble]:
        return frozenset(self.wrong)

    def publish(self, month: Month, figures: Any) -> None:
        super().publish(month, figures)
        self.drop(month)

    def half(self, month: Month) -> None:
        super().half(month)
        self.drop(month)

    def trouble(self, what: Trouble, times: int | None = None) -> None:
        """Let the files that are dropped be wrong, that of the newest month first of all."""
        self._wrong, self._times = what, times
        self.drop(max(self.months))

    def calm(self) -> None:
        self._wrong = None
        self.drop(max(self.months))

    def drop(self, month: Month) -> None:
        """Put the files of a month into the folder; there is none where nobody traded."""
        wrong = self._wrong if self._times != 0 else None
        if wrong is not None and self._times is not None:
            self._times -= 1
        for part in range(self.files):
            path = self.folder / self.name(month, part)
            path.unlink(missing_ok=True)
            if self.months[month]:
                content = self.content(dict(list(self.shown(month).items())[part :: self.files]), month)
                path.write_text(content if wrong is None else self.wrong[wrong](content), self.encoding, newline="")
                dropped = (self.clock() - timedelta(minutes=5)).timestamp()
                os.utime(path, (dropped, dropped))

    def name(self, month: Month, part: int) -> str:
        return f"{self.kind}-{format_month(month)}{f'-{part + 1}' if part else ''}.csv"

    def content(self, cells: Mapping[Cell, Amount], month: Month) -> str:
        """Return a file with some cells of a month."""
        raise NotImplementedError


class Office(Drop):
    """Files of exports by month, code and partner, in dollars."""

    kind = "gacc"
    products = ("85051110",)
    title = "稀土永磁体"
    encoding = "gb18030"
    wrong = {
        Trouble.CHANGED: lambda content: content.replace("第一数量", "数量一").replace("美元", "美金"),
        Trouble.PAGE: lambda _: "<html><head><title>海关统计数据在线查询平台</title></head></html>",
        Trouble.CUT: lambda content: content[: content.rindex(",", 0, -30)],
    }

    def entry(self, **keys: Any) -> dict[str, Any]:
        return {
            "name": "gacc",
            "kind": "gacc",
            "dataset": "exports/hs8",
            "folder": str(self.folder),
            "flow": "export",
            "currency": "USD",
            "every_partner": True,
            "total": "sum",
            "absent": "zero",
            "published": {
                "day_of_next_month": 20,
                "time": "10:00",
                "zone": "Asia/Shanghai",
                "january_with_february": True,
            },
            "complete_when": {"rows_at_least": "60%"},
        } | keys

    def content(self, cells: Mapping[Cell, Amount], month: Month) -> str:
        return text(CHINESE, *(_line(month, self.title, *cell, amount) for cell, amount in cells.items()))


def _line(month: Month, title: str, partner: str, product: str, amount: Amount) -> str:
    kg, value = ("-" if figure is None else f"{figure:,.0f}" for figure in amount)
    cells = (yyyymm(month), product, title, "304", PARTNERS[partner], kg.replace(",", ""), "千克", "-", "-", value)
    return "".join('"{}",'.format(cell.replace('"', '""')) for cell in cells)
