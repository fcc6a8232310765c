"""Precision against recall, and quality against cost: readable at 600 px, in grey, and by those who do not see red and green."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.quality.cases import Group
from benchmarks.quality.metrics import PREVALENCE, curve
from benchmarks.quality.table import Measured, title
from benchmarks.quality.views import VIEWS, Method, pool
from monitor.charts import BLUE, GREY, INK, SKY, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _DPI = 6.0, 100  # 600 px wide
_DRAWN = {
    "bank": (BLUE, "-", 2.6),
    "x13": (VERMILLION, "-", 1.4),
    "auto_ets": (INK, "--", 1.3),
    "unobserved": (SKY, "-", 1.4),
    "theta": (INK, ":", 1.4),
    "ecod": (GREY, "-.", 1.3),
    "stl": (GREY, "--", 1.1),
    "year_on_year": (GREY, ":", 1.3),
}
"""Colour, dashes and width of the methods that the first picture shows: one of each family."""


def draw(folder: Path, groups: Sequence[Group], methods: Sequence[Method], found: Measured) -> list[Path]:
    """Write both pictures of the dense series of the common sample below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "precision-recall.png", folder / "quality-cost.png"]
    for path, figure in zip(paths, (_precision_recall(groups, methods), _quality_cost(found)), strict=True):
        figure.savefig(path, dpi=150, metadata={"Software": None})
    return paths


def _blank(title_text: str, x: str, y: str, *, height: float = 4.2) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title_text, fontsize=10, loc="left", color=INK)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    return figure, axes


def _precision_recall(groups: Sequence[Group], methods: Sequence[Method]) -> Figure:
    share = f"{100 * PREVALENCE:.0f}%"
    figure, axes = _blank(f"Dense series, {share} of months with a shock", "recall", "precision", height=5.2)
    for method in methods:
        pooled = pool(VIEWS[0], groups, method)
        if method.name in _DRAWN and pooled is not None:
            recall, precision = curve(pooled.trials)
            colour, dashes, width = _DRAWN[method.name]
            axes.plot(recall, precision, color=colour, linestyle=dashes, linewidth=width, label=title(method.name))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    figure.legend(fontsize=8, frameon=False, loc="outside lower center", ncols=2)
    return figure


def _quality_cost(found: Measured) -> Figure:
    figure, axes = _blank(
        "Dense series: quality against cost", "CPU milliseconds per judged month (log scale)", "average precision at 2%"
    )
    axes.set_xscale("log")
    own = found["dense"]
    points = [(each.cpu, float(each.detection[0, 0]), name) for name, each in own.items() if each.cpu is not None]
    for cost, quality, name in points:
        ours = name == "bank"
        axes.plot(cost, quality, "o" if ours else "s", color=BLUE if ours else INK, markersize=9 if ours else 5)
    axes.set_xlim(min(cost for cost, _, _ in points) / 4, max(cost for cost, _, _ in points) * 60)
    axes.set_ylim(0, 1.15 * max(quality for _, quality, _ in points))
    figure.draw_without_rendering()
    _name_points(axes, points)
    return figure


def _name_points(axes: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Write each method's name beside its point: at the first of several places where it lies on no other name or point."""
    from matplotlib.transforms import Bbox

    spots = [axes.transData.transform((cost, quality)) for cost, quality, _ in points]
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in spots]
    for (_, _, name), (x, y) in sorted(zip(points, spots, strict=True), key=lambda pair: pair[0][2] != "bank"):
        width, height = 6.4 * len(_short(name)), 11
        places = [(x + 9, y - 5), (x - 9 - width, y - 5), (x - width / 2, y + 9), (x - width / 2, y - 19)]
        places += [(x + 9, y + 9), (x + 9, y - 19), (x - 9 - width, y + 9), (x - 9 - width, y - 19)]
        boxes = [Bbox.from_bounds(left, bottom, width, height) for left, bottom in places]
        inside = [box for box in boxes if box.x1 < axes.bbox.x1 and box.x0 > axes.bbox.x0]
        free = [box for box in inside if not any(box.overlaps(other) for other in taken)]
        box = (free or inside or boxes)[0]
        taken.append(box)
        x, y = axes.transData.inverted().transform((box.x0, box.y0))
        weight, colour = ("bold", BLUE) if name == "bank" else ("normal", INK)
        axes.text(x, y, _short(name), fontsize=8, va="bottom", color=colour, fontweight=weight)


def _short(name: str) -> str:
    """Return a method's title without its library and options."""
    whole = title(name).partition(", ")[0]
    return whole.removeprefix("statsmodels ").removeprefix("statsforecast ").removeprefix("PyOD ")
