"""Without a desk: what was expected of every row of a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.commands.terminal import as_json_option, progress, say, show_json
from monitor.wording import say_count, say_number

if TYPE_CHECKING:
    from monitor.expecting import Answer

PATH = click.Path(path_type=Path, dir_okay=False)


def _names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(name.strip() for name in value.split(","))


@click.command("expect")
@click.argument("file", type=PATH)
@click.option("--out", required=True, type=PATH, help="What to write: a name that ends with .parquet, .csv or .csv.gz.")
@click.option("--key", callback=_names, help="The columns that name a series, as a,b,c.  [default: all but period and value]")
@click.option("--period", default="period", show_default=True, help="The column of months.")
@click.option("--value", default="value", show_default=True, help="The column of figures.")
@click.option(
    "--resolution", default=0.0, type=click.FloatRange(min=0), help="The step that figures are rounded to, in their own unit."
)
@click.option(
    "--at-least", default=0.0, type=click.FloatRange(min=0), help="Write only rows with a surprise of this size, like 3."
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes that judge a large file.  [default: one a core]")
@as_json_option
def expect_command(
    file: Path,
    out: Path,
    key: tuple[str, ...] | None,
    period: str,
    value: str,
    resolution: float,
    at_least: float,
    workers: int | None,
    as_json: bool,
) -> None:
    """
    Write what was expected of every row of FILE before it was seen: no desk is needed.

    FILE is a long table, CSV (also gzipped) or Parquet: a row for each series and month. Months are 2025-10, or the first day of
    the month. A month without a row, or with an empty figure, was not published, which is not zero.

    OUT has the columns of the key, the month and the figure, and expected, lower and upper (99%), surprise,
    probability_of_zero and judged, in the order of FILE. The first 24 months held of a series are not judged. A file of that
    name is replaced, once all is written.

    Where the rows of a series stand together, FILE may be larger than memory. Where columns of the key are called reporter
    and partner, their country codes or names say who keeps Lunar New Year.

    \b
    For example:
      monitor expect imports.parquet --out judged.parquet
      monitor expect exports.csv --key country,code --period month --value usd --out unusual.csv --at-least 3
    """
    from monitor.expecting import Request, expect_file

    request = Request(
        path=file, out=out, key=key, period=period, value=value, resolution=resolution, at_least=at_least, workers=workers
    )
    with progress("judging", 100) as step:
        shown = 0

        def tell(share: float, series: int) -> None:
            nonlocal shown
            while shown < round(share * 100):
                shown += 1
                step(f"% of the file, {series:,} series")

        answer = expect_file(request, tell)
    if as_json:
        show_json({**asdict(answer), "out": str(out)})
    else:
        say(_told(answer, out.name, at_least))


def _told(answer: Answer, name: str, at_least: float) -> str:
    read = f"{say_count(answer.series, 'series', 'series')}, {say_count(answer.rows, 'row')}, {say_number(answer.judged)} judged"
    if not at_least:
        return f"{read}: written to {name}."
    return f"{read}: {say_count(answer.written, 'row')} with a surprise of {at_least:g} or more written to {name}."
