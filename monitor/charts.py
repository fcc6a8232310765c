"""Pictures of a series: the figure, what was expected of it, and the judged month, readable at 600 px and without colour."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from monitor.alerts.messages import Chart
from monitor.months import Month, say_month
from monitor.units import UNITS
from monitor.wording import say_amount, say_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours: told apart without red and green, and by their lightness in print.
BLUE, SKY, VERMILLION, INK, GREY = "#0072B2", "#56B4E9", "#D55E00", "#222222", "#6B6B6B"

WINDOW = 120  # months: ten years
BAND = 4  # times the largest figure: how high the expected range is drawn at most
_BARS = "▁▂▃▄▅▆▇█"
_LAYOUT_DPI = 100
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 98, 42, 46  # px around the plot: amounts, the judged figure, title and unit, months and legend
_YEAR, _MONTH = 36, 56  # px that the name of a year, or of a month with its year, needs
_ROW, _ROWS = 14, 4  # px of one row of events' words; more rows are not drawn


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """How amounts are written on the axis: each is divided by `divisor` and stands in `unit`."""

    divisor: float
    unit: str


def draw(chart: Chart, *, width_px: int = 600, height_px: int = 240, dpi: int = 150) -> bytes:
    """
    Draw a chart as PNG.

    Parameters
    ----------
    chart : Chart
        Amounts in its base unit; the newest ten years are shown.
    width_px, height_px : int
        The size it is laid out for, in CSS pixels.
    dpi : int
        Sharpness: at 150 the file has one and a half times as many pixels each way as its layout.
    """
    out = BytesIO()
    _figure(chart, width_px, height_px).savefig(
        out, format="png", dpi=dpi, metadata={"Software": None}, pil_kwargs={"compress_level": 6}
    )
    return out.getvalue()


def svg(chart: Chart, *, width_px: int = 600, height_px: int = 240) -> str:
    """Draw a chart as an ``<svg>`` element that grows with its page; the same chart gives the same bytes."""
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "monitor"
    out = BytesIO()
    _figure(chart, width_px, height_px).savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue().decode()
    label = escape(drawable(chart.title))
    opening = f'<svg role="img" aria-label="{label}" style="max-width:{width_px}px;width:100%;height:auto" '
    return opening + re.sub(r'\b(?:width|height)="[\d.]+pt" ?', "", text[text.index("<svg ") + 5 :], count=2)


def sparkline(values: Sequence[float | None]) -> str:
    """Write a series as a row of bars from zero, a space where there is no figure: ``▇█▁ ▅``."""
    numbers = _numbers(values)
    low, high = min([0.0, *_finite(values)]), max([0.0, *_finite(values)])
    step = (high - low) / (len(_BARS) - 1) or 1.0
    return "".join(" " if math.isnan(v) else _BARS[round((v - low) / step)] for v in numbers)


def _numbers(values: Iterable[float | None]) -> list[float]:
    return [float(v) if v is not None and math.isfinite(v) else math.nan for v in values]


def _window(chart: Chart) -> Chart:
    """Return the chart from its first figure on, at most ten years of it."""
    first = next((i for i, v in enumerate(_numbers(chart.values)) if not math.isnan(v)), 0)
    cut = max(first, len(chart.values) - WINDOW)
    names = ("values", "usual", "lower", "upper")
    return replace(chart, first=chart.first + cut, **{name: getattr(chart, name)[cut:] for name in names})


def _bounded(chart: Chart) -> Chart:
    """Return the chart with the band cut at a multiple of the largest figure, so that the figures can still be seen."""
    top = BAND * max(map(abs, _finite(chart.values, chart.usual)), default=0.0)
    if not top:
        return chart
    lower, upper = (tuple(min(v, top) for v in _numbers(side)) for side in (chart.lower, chart.upper))
    return replace(chart, lower=lower, upper=upper)


def _scale(chart: Chart) -> _Scale:
    """Pick the unit of the axis: the one to be shown, else by the largest amount on it."""
    if chart.shown in UNITS and UNITS[chart.shown].base == chart.unit:
        return _Scale(divisor=float(UNITS[chart.shown].factor), unit=chart.shown)
    top = max(map(abs, _finite(chart.values, chart.usual, chart.upper)), default=0.0)
    if chart.unit == "kg":
        return _Scale(divisor=1.0, unit="kg") if top < 1000 else _Scale(divisor=1e3, unit="t")
    if "/" in chart.unit or chart.unit == "pcs":
        return _Scale(divisor=1.0, unit=chart.unit)
    for divisor, prefix in ((1e9, "bn "), (1e6, "M "), (1e3, "k ")):
        if top >= divisor:
            return _Scale(divisor=divisor, unit=prefix + chart.unit)
    return _Scale(divisor=1.0, unit=chart.unit)


def _figure(chart: Chart, width_px: int, height_px: int) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    chart = _bounded(_window(chart))
    scale = _scale(chart)
    figure = Figure(figsize=(width_px / _LAYOUT_DPI, height_px / _LAYOUT_DPI), dpi=_LAYOUT_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    plot = (width_px - _LEFT - _RIGHT, height_px - _TOP - _BOTTOM)
    axes = figure.add_axes((_LEFT / width_px, _BOTTOM / height_px, plot[0] / width_px, plot[1] / height_px), facecolor="none")
    _frame(figure, axes, chart, scale, width_px, height_px)
    months = list(range(chart.first, chart.first + len(chart.values)))
    _draw_expected(axes, chart, months, scale)
    _draw_figure(axes, chart, months, scale)
    words = _place_words(chart, months, plot[0])
    strip = (max(words.values(), default=-1) + 1) * _ROW / plot[1]
    _limits(axes, chart, months, strip, plot[0])
    _draw_events(axes, words, months, 1 - strip, _ROW / plot[1])
    _draw_judged(axes, chart, months, scale)
    _legend(figure, axes)
    return figure


def _frame(figure: Figure, axes: Axes, chart: Chart, scale: _Scale, width_px: int, height_px: int) -> None:
    """Write the title at the top left, the unit below it, and thin grey lines to read amounts by."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    title = shorten(drawable(chart.title), int((width_px - 20) / 7.9))
    plain: dict[str, Any] = {"va": "top", "parse_math": False}
    figure.text(8 / width_px, 1 - 6 / height_px, title, fontsize=9.5, weight="bold", color=INK, **plain)
    figure.text(8 / width_px, 1 - 24 / height_px, f"{scale.unit} a month", fontsize=8.5, color=GREY, **plain)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _tick(y)))
    thin_lines(axes)


def thin_lines(axes: Axes) -> None:
    """Leave grey lines to read amounts by, and no box."""
    axes.tick_params(labelsize=8.5, colors=GREY, length=3, width=0.6)
    axes.grid(axis="y", color="#E3E3E3", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color("#999999")


def _tick(amount: float) -> str:
    decimals = 0 if float(amount).is_integer() else 1 if float(amount * 10).is_integer() else 2
    return say_number(amount, decimals)


def _draw_expected(axes: Axes, chart: Chart, months: list[Month], scale: _Scale) -> None:
    if chart.lower and chart.upper:
        lower, upper = ([v / scale.divisor for v in _numbers(side)] for side in (chart.lower, chart.upper))
        axes.fill_between(months, lower, upper, color=SKY, alpha=0.32, linewidth=0, label="expected range", zorder=1)
        lone = [i for i in _isolated(lower) if not math.isnan(upper[i])]
        axes.vlines(
            [months[i] for i in lone],
            [lower[i] for i in lone],
            [upper[i] for i in lone],
            color=SKY,
            alpha=0.45,
            linewidth=5,
            zorder=1,
        )
    if chart.usual:
        usual = [v / scale.divisor for v in _numbers(chart.usual)]
        axes.plot(months, usual, color=INK, linewidth=1.0, linestyle=(0, (4, 2.5)), label="usual", zorder=2)


def _draw_figure(axes: Axes, chart: Chart, months: list[Month], scale: _Scale) -> None:
    """Draw a line that breaks at gaps, a dot for a month that stands alone, a ring for the same month of earlier years."""
    values = [v / scale.divisor for v in _numbers(chart.values)]
    axes.plot(months, values, color=BLUE, linewidth=1.6, solid_capstyle="round", label="figure", zorder=3)
    lone = _isolated(values)
    axes.plot(
        [months[i] for i in lone], [values[i] for i in lone], linestyle="none", marker="o", markersize=3.2, color=BLUE, zorder=3
    )
    same = [i for i, m in enumerate(months) if (chart.judged - m) % 12 == 0 and m < chart.judged and not math.isnan(values[i])]
    if same:
        style: dict[str, Any] = {
            "marker": "o",
            "markersize": 6,
            "markerfacecolor": "white",
            "markeredgecolor": BLUE,
            "markeredgewidth": 1.4,
        }
        label = f"{say_month(chart.judged).split()[0]} of earlier years"
        axes.plot([months[i] for i in same], [values[i] for i in same], linestyle="none", label=label, zorder=4, **style)


def _isolated(values: list[float]) -> list[int]:
    """Return where a number has no number beside it: a line cannot show it."""
    gap = [True, *(math.isnan(v) for v in values), True]
    return [i for i in range(len(values)) if not gap[i + 1] and gap[i] and gap[i + 2]]


def _limits(axes: Axes, chart: Chart, months: list[Month], strip: float, width_px: float) -> None:
    """Start the axis at zero where no figure is below it, keep its top `strip` for words, and name what years or months fit."""
    low, high = axes.get_ylim()
    low = 0 if min(_finite(chart.values, chart.lower), default=0) >= 0 else low
    axes.set_ylim(low, high + (high - low) * strip / (1 - strip))
    margin = max(1.0, 0.015 * len(months))
    axes.set_xlim(months[0] - margin if months else -1, months[-1] + margin if months else 1)
    step = 12 if len(months) > 30 else 3 if len(months) > 9 else 1
    step *= max(1, -(-(len(months) // step) // int(width_px // (_YEAR if step >= 12 else _MONTH))))
    ticks = [m for m in months if m % step == 0]
    axes.set_xticks(ticks, [str(m // 12) if step >= 12 else say_month(m, short=True) for m in ticks])


def _finite(*rows: Sequence[float | None]) -> list[float]:
    return [v for row in rows for v in row if v is not None and math.isfinite(v)]


def _place_words(chart: Chart, months: list[Month], plot_px: float) -> dict[tuple[Month, str], int]:
    """
    Give the word of each event a row above the figures, counted from below.

    Words lead away from the nearer edge; of near events the one nearer to the middle of the picture gets the lower row
    and its line ends there, so that no word lies on another or on another event's line.
    """
    shown = sorted({event for event in chart.events if months and months[0] <= event[0] <= months[-1]})
    middle = (months[0] + months[-1]) / 2 if months else 0
    rows: dict[tuple[Month, str], int] = {}
    taken: list[list[tuple[float, float]]] = []
    for event in [e for e in shown if e[0] > middle] + [e for e in reversed(shown) if e[0] <= middle]:
        width = (len(_word(event)) * 5.8 + 10) * len(months) / plot_px
        start, end = (event[0] - width, float(event[0])) if event[0] > middle else (float(event[0]), event[0] + width)
        row = next((r for r, spans in enumerate(taken) if all(e <= start or s >= end for s, e in spans)), len(taken))
        for below in range(row + 1):  # its line passes through the rows below its word
            taken[below:] = taken[below:] or [[]]
            taken[below].append((start, end) if below == row else (end, end + 1) if event[0] > middle else (start - 1, start))
        rows[event] = row
    return {event: row for event, row in rows.items() if row < _ROWS}


def _draw_events(axes: Axes, words: dict[tuple[Month, str], int], months: list[Month], bottom: float, row_height: float) -> None:
    """Draw each event as a thin line that ends at its word."""
    middle = (months[0] + months[-1]) / 2 if months else 0
    for event, row in words.items():
        top = bottom + (row + 1) * row_height
        axes.axvline(event[0], ymax=top, color=GREY, linewidth=0.8, linestyle=":", zorder=1.5)
        align, lead = ("right", -3) if event[0] > middle else ("left", 3)
        axes.annotate(
            _word(event), (event[0], top), xycoords=axes.get_xaxis_transform(), xytext=(lead, 0), textcoords="offset points",
            ha=align, va="top", fontsize=8, color=GREY, parse_math=False, annotation_clip=False,
        )  # fmt: skip


def _word(event: tuple[Month, str]) -> str:
    return shorten(drawable(event[1]), 24)


def _draw_judged(axes: Axes, chart: Chart, months: list[Month], scale: _Scale) -> None:
    """Mark the judged month and write its amount: to the right of the newest month, else above the point."""
    place = chart.judged - chart.first
    value = chart.values[place] if 0 <= place < len(months) else None
    if value is None or not math.isfinite(value):
        return
    x, y = chart.judged, value / scale.divisor
    axes.plot(
        [x], [y], linestyle="none", marker="D", markersize=6.5, color=VERMILLION, markeredgecolor="white", zorder=6, clip_on=False
    )
    newest = place > len(months) * 0.92
    beside: dict[str, Any] = (
        {"xytext": (8, 0), "ha": "left", "va": "center"} if newest else {"xytext": (0, 9), "ha": "center", "va": "bottom"}
    )
    amount = say_amount(value, chart.unit, shown=chart.shown)
    axes.annotate(
        f"{amount}\n{say_month(chart.judged, short=True)}", (x, y), textcoords="offset points",
        fontsize=8.5, weight="bold", color=INK, zorder=7, parse_math=False, annotation_clip=False, **beside,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1.0},
    )  # fmt: skip


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: (labels[i] != "figure", i))
    if len(labels) > 1:
        figure.legend(
            [handles[i] for i in order], [labels[i] for i in order], loc="lower left", bbox_to_anchor=(0.0, -0.015),
            ncols=len(labels), frameon=False, fontsize=8.5, labelcolor=GREY, handlelength=1.8, columnspacing=1.6,
            handletextpad=0.5,
        )  # fmt: skip


def shorten(text: str, room: int) -> str:
    """Return a text of at most `room` characters, cut with an ellipsis where it is longer."""
    return text if len(text) <= room else text[: room - 1].rstrip() + "…"


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def drawable(text: str) -> str:
    """Return the text on one line, with a box for each character that the one font shipped everywhere cannot draw."""
    glyphs = _glyphs()
    return "".join(c if ord(c) in glyphs and c.isprintable() else "□" for c in " ".join(text.split()))
