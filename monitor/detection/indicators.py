"""The table of indicators: every named (n, T) array that a rule, a brief or a page may read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.detection import breadth, changes, gap, market, presence, reasons, records, revisions, season, shift
from monitor.panel import Floats, Panel
from monitor.units import Dimension

if TYPE_CHECKING:
    from monitor.detection.expected import Expectation


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """
    An argument that an indicator takes: its default, and the whole numbers it may be.

    With `auto` the default is none of them, is written ``auto``, and stands for what the figures say.
    """

    default: int
    least: int
    most: int
    auto: bool = False


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """
    A named array derived from a panel.

    Parameters
    ----------
    compute : callable
        ``compute(panel, **arguments)`` gives (n, T); column t depends on columns up to t only. NaN is unknown.
    why : callable
        ``why(panel, row, column, **arguments)`` says why that cell is unknown ("y/y: June 2024 is not held").
    dimension : Dimension or None
        What the number counts; None for "the same as the watched measure".
    parameters : mapping of str to Parameter
    summary : str
        One line for people.
    by_chance : bool
        True where the calibrated model makes "how often by chance" known (surprise, shift).
    across : bool
        True where other series of the same group are read (share, rank, hhi, unit_value, breadth…).
    expects : bool
        True where `compute` and `why` take ``expectation=`` (expected, lower, upper, surprise…).
    model : str
        The kind of model asked, whatever the rule's is; "" for the rule's own.
    vintages : bool
        True where the figures as first released are read (revision…), which a panel has only where it was asked for them.
    """

    name: str
    compute: Callable[..., Floats]
    why: Callable[..., str]
    dimension: Dimension | None
    summary: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    by_chance: bool = False
    across: bool = False
    expects: bool = False
    model: str = ""
    vintages: bool = False


_YEARS = Parameter(default=1, least=1, most=5)


def _by_model(name: str) -> Callable[..., Floats]:
    """Return the array of that name from what the model stated before each month."""

    def compute(panel: Panel, *, expectation: Expectation) -> Floats:
        from monitor.detection import expected

        array: Floats = getattr(expected, name)(expectation, panel)
        return array

    return compute


def _changes() -> list[Indicator]:
    growth = Dimension.GROWTH
    return [
        Indicator(
            name="value",
            compute=changes.value,
            why=reasons.this_month,
            dimension=None,
            summary="the figure",
        ),
        Indicator(
            name="change",
            compute=changes.change,
            why=reasons.month_before("change"),
            dimension=None,
            summary="difference to the month before, in the figure's unit",
        ),
        Indicator(
            name="mom",
            compute=changes.mom,
            why=reasons.month_before("m/m"),
            dimension=growth,
            summary="growth against the month before",
        ),
        Indicator(
            name="yoy",
            compute=changes.yoy,
            why=reasons.of_yoy,
            dimension=growth,
            summary="growth against the same month (or months) of an earlier year",
            parameters={"years": _YEARS, "months": Parameter(default=1, least=1, most=24)},
        ),
        Indicator(
            name="ytd_yoy",
            compute=changes.ytd_yoy,
            why=reasons.of_ytd_yoy,
            dimension=growth,
            summary="growth of the year to date against the same months of last year",
        ),
    ]


def _usuals() -> list[Indicator]:
    return [
        Indicator(
            name="usual",
            compute=changes.usual,
            why=reasons.of_usual,
            dimension=None,
            summary="median of the figures of the 24 months before, at least 3",
        ),
        Indicator(
            name="ratio",
            compute=changes.ratio,
            why=reasons.of_ratio,
            dimension=Dimension.RATIO,
            summary="the figure as a multiple of its usual",
        ),
        Indicator(
            name="base_ratio",
            compute=changes.base_ratio,
            why=reasons.of_base_ratio,
            dimension=Dimension.RATIO,
            summary="how usual the base month of the y/y was",
            parameters={"years": _YEARS},
        ),
        Indicator(
            name="drawdown",
            compute=records.drawdown,
            why=reasons.of_drawdown,
            dimension=Dimension.RATIO,
            summary="how far below the highest of the last 24 months: 0.3 is 30% below",
        ),
        Indicator(
            name="recovered",
            compute=records.recovered,
            why=reasons.of_recovered,
            dimension=Dimension.RATIO,
            summary="share of the fall of the last 24 months that is made good",
        ),
    ]


def _runs() -> list[Indicator]:
    rows: list[tuple[str, Callable[..., Floats], Callable[..., str], str]] = [
        ("rise_streak", records.rise_streak, reasons.of_yoy, "months in a row with a y/y rise"),
        ("fall_streak", records.fall_streak, reasons.of_yoy, "months in a row with a y/y fall"),
        ("first_rise_in", records.first_rise_in, reasons.first_in("first rise"), "months since the last y/y rise, at a rise"),
        ("first_fall_in", records.first_fall_in, reasons.first_in("first fall"), "months since the last y/y fall, at a fall"),
        ("high_in", records.high_in, reasons.this_month, "highest of how many months held"),
        ("low_in", records.low_in, reasons.this_month, "lowest of how many months held"),
        ("zero_streak", records.zero_streak, reasons.never, "months in a row at zero"),
        ("missing_streak", records.missing_streak, reasons.never, "months in a row without a figure"),
        ("months_since_trade", records.months_since_trade, reasons.of_months_since_trade, "months since the last trade"),
    ]
    return [
        Indicator(name=name, compute=compute, why=why, dimension=Dimension.STEPS, summary=summary)
        for name, compute, why, summary in rows
    ]


def _presence() -> list[Indicator]:
    return [
        Indicator(
            name="first_trade",
            compute=presence.first_trade,
            why=reasons.of_first_trade,
            dimension=Dimension.STEPS,
            summary="months held of the market before the first trade of a partner, at that trade",
            across=True,
        ),
        Indicator(
            name="quiet_before",
            compute=presence.quiet_before,
            why=reasons.of_quiet_before,
            dimension=Dimension.STEPS,
            summary="months without trade that this month ends",
        ),
        Indicator(
            name="months_traded",
            compute=presence.months_traded,
            why=reasons.never,
            dimension=Dimension.STEPS,
            summary="months with trade among the last 24",
            parameters={"months": Parameter(default=24, least=1, most=60)},
        ),
        Indicator(
            name="withheld_streak",
            compute=presence.withheld_streak,
            why=reasons.never,
            dimension=Dimension.STEPS,
            summary="months in a row that the source no longer gives",
        ),
    ]


def _revisions() -> list[Indicator]:
    return [
        Indicator(
            name="revision",
            compute=revisions.revision,
            why=reasons.of_revision,
            dimension=Dimension.GROWTH,
            summary="growth since the figure was first released; 0 where it was not revised",
            vintages=True,
        ),
        Indicator(
            name="revision_score",
            compute=revisions.revision_score,
            why=reasons.of_revision,
            dimension=Dimension.SCORE,
            summary="that growth against the usual revision of the market, in standard deviations, signed",
            across=True,
            vintages=True,
        ),
    ]


def _mirror() -> list[Indicator]:
    return [
        Indicator(
            name="mirror_gap",
            compute=gap.mirror_gap,
            why=reasons.of_mirror_gap,
            dimension=Dimension.GROWTH,
            summary="how much more the partner weighs than the reporter, beside how much more it usually does",
            parameters={
                "months": Parameter(default=3, least=1, most=12),
                "lag": Parameter(default=gap.AUTO, least=0, most=3, auto=True),
            },
        ),
    ]


def _market() -> list[Indicator]:
    return [
        Indicator(
            name="share",
            compute=market.share,
            why=reasons.of_share,
            dimension=Dimension.SHARE,
            summary="a country's part of the published total",
            across=True,
        ),
        Indicator(
            name="share_change",
            compute=market.share_change,
            why=reasons.of_share_change,
            dimension=Dimension.SHARE,
            summary="points of the total won or lost",
            parameters={"months": Parameter(default=12, least=1, most=60)},
            across=True,
        ),
        Indicator(
            name="rank",
            compute=market.rank,
            why=reasons.of_rank,
            dimension=Dimension.STEPS,
            summary="place among the countries with a figure; 1 is the largest",
            across=True,
        ),
        Indicator(
            name="contribution",
            compute=market.contribution,
            why=reasons.of_contribution,
            dimension=Dimension.SHARE,
            summary="points of the total's y/y growth that a country brought",
            parameters={"years": _YEARS},
            across=True,
        ),
        Indicator(
            name="hhi",
            compute=market.hhi,
            why=reasons.of_hhi,
            dimension=Dimension.SHARE,
            summary="concentration on few countries, 0 to 1 (Herfindahl–Hirschman)",
            across=True,
        ),
        Indicator(
            name="unit_value",
            compute=market.unit_value,
            why=reasons.of_unit_value,
            dimension=Dimension.PRICE,
            summary="value over weight, or over quantity",
            across=True,
        ),
    ]


def _expectations() -> list[Indicator]:
    rows: list[tuple[str, Dimension | None, str]] = [
        ("expected", None, "what the seasonal model expected before it saw the month"),
        ("lower", None, "lower end of the model's 99% interval"),
        ("upper", None, "upper end of the model's 99% interval"),
        ("probability_of_zero", Dimension.SHARE, "how likely the model held a zero before it saw the month"),
        ("surprise", Dimension.SCORE, "how unexpected the figure is, in standard deviations, signed"),
    ]
    return [
        Indicator(
            name=name,
            compute=_by_model(name),
            why=reasons.of_surprise if name == "surprise" else reasons.of_expectation,
            dimension=dimension,
            summary=summary,
            by_chance=name == "surprise",
            expects=True,
        )
        for name, dimension, summary in rows
    ]


def _over_months() -> list[Indicator]:
    """What asks the bank for more than one month ahead, or for the parts of its statement."""
    return [
        Indicator(
            name="shift",
            compute=shift.shift,
            why=reasons.of_shift,
            dimension=Dimension.SCORE,
            summary="how far the last three months together are from the path expected before them, signed",
            parameters={"months": Parameter(default=3, least=2, most=12)},
            by_chance=True,
            expects=True,
            model="bank",
        ),
        Indicator(
            name="seasonal_change",
            compute=season.seasonal_change,
            why=reasons.of_seasonal_change,
            dimension=Dimension.GROWTH,
            summary="growth against the month before that the season alone would bring",
            expects=True,
            model="bank",
        ),
    ]


def _together() -> list[Indicator]:
    """What asks the expectation of a whole market; always of the bank, since a slower model takes hours for it."""
    rows: list[tuple[str, Callable[..., Floats], Dimension, str]] = [
        (
            "breadth",
            breadth.breadth,
            Dimension.STEPS,
            "the market's countries beyond ±1, on the larger side; below is negative",
        ),
        ("breadth_surprise", breadth.breadth_surprise, Dimension.SCORE, "how unusual their mean surprise is, signed"),
    ]
    return [
        Indicator(
            name=name,
            compute=compute,
            why=reasons.of_breadth,
            dimension=dimension,
            summary=summary,
            across=True,
            expects=True,
            model="bank",
        )
        for name, compute, dimension, summary in rows
    ]


def _table() -> dict[str, Indicator]:
    rows = [*_changes(), *_usuals(), *_runs(), *_presence(), *_mirror(), *_revisions(), *_market()]
    rows += [*_expectations(), *_over_months(), *_together()]
    return {row.name: row for row in rows}


INDICATORS: dict[str, Indicator] = _table()
