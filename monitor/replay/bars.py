"""A picture of counts: a bar a month, stacked by level, readable at 600 px, in print and without red and green."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from monitor.charts import BLUE, GREY, INK, SKY, VERMILLION, drawable, shorten, thin_lines
from monitor.errors import MonitorError
from monitor.months import Month, say_month
from monitor.rules.levels import Level
from monitor.wording import say_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Counts = Mapping[Month, Mapping[Level, int]]

# From dark to light, so that the levels keep their order without any colour; the gravest stands at the bottom.
COLOURS = {Level.CRITICAL: INK, Level.WARNING: BLUE, Level.INFO: SKY, Level.DATA: "#D9D9D9"}
FORMATS = ("png", "svg")

_WIDTH, _HEIGHT, _LAYOUT_DPI, _SHARPNESS = 600, 260, 100, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 14, 48, 48  # px around the plot: counts, air, title, years and legend
_YEAR, _MONTH = 40, 62  # px that the name of a year, or of a month, needs


def format_of(name: str | PurePath) -> str:
    """
    Return the format that a file's name asks for.

    Raises
    ------
    MonitorError
        If it ends on neither ``.png`` nor ``.svg``.
    """
    ending = PurePath(name).suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise MonitorError(f"{name}: a picture is a .png or an .svg file")
    return ending


def draw(counts: Counts, *, title: str, subtitle: str, form: str = "png", beside: tuple[str, Counts] | None = None) -> bytes:
    """
    Draw counts by month.

    Parameters
    ----------
    counts : mapping of Month to mapping of Level to int
        Every month of the axis, in order, those without a count included; at least one.
    title, subtitle : str
    form : {"png", "svg"}
    beside : tuple of (str, counts), optional
        What else was counted in these months, and its name: a line over the bars.
    """
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "monitor"
    out = BytesIO()
    about: dict[str, Any] = {"Software": None} if form == "png" else {"Date": None, "Creator": None}
    _figure(counts, title, subtitle, beside).savefig(out, format=form, dpi=_SHARPNESS, metadata=about)
    return out.getvalue()


def _figure(counts: Counts, title: str, subtitle: str, beside: tuple[str, Counts] | None) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH / _LAYOUT_DPI, _HEIGHT / _LAYOUT_DPI), dpi=_LAYOUT_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    plot = (_WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM)
    axes = figure.add_axes((_LEFT / _WIDTH, _BOTTOM / _HEIGHT, plot[0] / _WIDTH, plot[1] / _HEIGHT))
    plain: dict[str, Any] = {"va": "top", "parse_math": False}
    figure.text(8 / _WIDTH, 1 - 6 / _HEIGHT, _fitting(title, 7.9), fontsize=9.5, weight="bold", color=INK, **plain)
    figure.text(8 / _WIDTH, 1 - 25 / _HEIGHT, _fitting(subtitle, 6.6), fontsize=8.5, color=GREY, **plain)
    _stack(axes, counts)
    if beside is not None:
        _outline(axes, shorten(drawable(beside[0]), 32), beside[1])
    _axes(axes, list(counts), plot[0])
    _legend(figure, axes)
    return figure


def _stack(axes: Axes, counts: Counts) -> None:
    months, below = list(counts), [0] * len(counts)
    for level, colour in COLOURS.items():
        heights = [counts[month].get(level, 0) for month in months]
        if any(heights):
            axes.bar(months, heights, bottom=below, width=0.86, color=colour, label=level.label, linewidth=0)
        below = [low + height for low, height in zip(below, heights, strict=True)]


def _outline(axes: Axes, name: str, counts: Counts) -> None:
    heights = [sum(levels.values()) for levels in counts.values()]
    axes.step(list(counts), heights, where="mid", color=VERMILLION, linewidth=1.2, label=name)


def _fitting(words: str, px: float) -> str:
    """Return words of so many px a letter as they can be drawn, on one line and no wider than the picture."""
    return shorten(drawable(words), int((_WIDTH - 20) / px))


def _legend(figure: Figure, axes: Axes) -> None:
    """Name the levels below the plot, and last what the line counts."""
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda n: handles[n] in axes.lines)
    if order:
        figure.legend(
            [handles[n] for n in order], [labels[n] for n in order], loc="lower left", bbox_to_anchor=(0.0, -0.02),
            ncols=len(order), frameon=False, fontsize=8.5, labelcolor=GREY, handlelength=1.2, columnspacing=1.6,
            handletextpad=0.5,
        )  # fmt: skip


def _axes(axes: Axes, months: list[Month], width_px: float) -> None:
    """Count from zero in whole numbers, and name as many years or months as there is room for."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: say_number(y)))
    axes.set_ylim(0, max(axes.get_ylim()[1], 1))
    axes.set_xlim(months[0] - 1, months[-1] + 1)
    step = 12 if len(months) > 30 else 3 if len(months) > 9 else 1
    step *= max(1, -(-(len(months) // step) // int(width_px // (_YEAR if step >= 12 else _MONTH))))
    ticks = [month for month in months if month % step == 0]
    axes.set_xticks(ticks, [str(m // 12) if step >= 12 else say_month(m, short=True) for m in ticks])
    thin_lines(axes)
