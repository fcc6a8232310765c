from __future__ import annotations

import pytest

from monitor.units import CURRENCIES, UNITS, Dimension, find_unit, parse_quantity


@pytest.mark.parametrize(
    ("text", "amount", "unit", "dimension"),
    [
        ("20 t", 20_000, "kg", Dimension.WEIGHT),
        ("0.1 t", 100, "kg", Dimension.WEIGHT),
        ("1.5 kt", 1_500_000, "kg", Dimension.WEIGHT),
        ("3 M USD", 3_000_000, "USD", Dimension.MONEY),
        ("2  bn   CNY", 2e9, "CNY", Dimension.MONEY),
        ("500 pcs", 500, "pcs", Dimension.COUNT),
        ("20t", 20_000, "kg", Dimension.WEIGHT),
        ("-5 kg", -5, "kg", Dimension.WEIGHT),
    ],
)
def test_an_amount_is_read_into_its_base_unit(text: str, amount: float, unit: str, dimension: Dimension) -> None:
    found = parse_quantity(text)
    assert (found.amount, found.unit, found.dimension, found.text) == (amount, unit, dimension, text)


@pytest.mark.parametrize("text", ["", "t", "20", "20%", "1,000 t", "nan t", "inf USD", "1e400 t"])
def test_what_is_no_amount_is_refused_in_a_sentence_that_names_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a quantity|unknown unit"):
        parse_quantity(text)


def test_an_unknown_unit_names_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r'unknown unit "lbs"; known are kg, t, kt, Mt, pcs and USD'):
        parse_quantity("20 lbs")


def test_megatonnes_and_millions_are_not_mixed_up() -> None:
    assert (find_unit("Mt").base, float(find_unit("Mt").factor)) == ("kg", 1e9)
    assert (find_unit("M USD").base, float(find_unit("M USD").factor)) == ("USD", 1e6)
    with pytest.raises(ValueError, match="unknown unit"):
        find_unit("mt")


@pytest.mark.parametrize("name", UNITS)
def test_every_unit_leads_to_a_base_of_its_own_dimension(name: str) -> None:
    base = UNITS[UNITS[name].base]
    assert base.dimension is UNITS[name].dimension
    assert base.factor == 1
    assert UNITS[name].factor >= 1
    assert find_unit(f" {name} ") is UNITS[name]


def test_every_currency_counts_money() -> None:
    assert {UNITS[currency].dimension for currency in CURRENCIES} == {Dimension.MONEY}
