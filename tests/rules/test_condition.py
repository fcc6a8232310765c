from __future__ import annotations

import ast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.detection.indicators import INDICATORS
from monitor.rules.condition import Call, Condition, ConditionError, parse
from monitor.units import Dimension

NAN, INF = float("nan"), float("inf")


def weight(text: str) -> Condition:
    return parse(text, measure_dimension=Dimension.WEIGHT, unit="kg")


def refusal(text: str, dimension: Dimension = Dimension.WEIGHT) -> str:
    with pytest.raises(ConditionError) as caught:
        parse(text, measure_dimension=dimension)
    return str(caught.value)


def outcome(text: str, **values: float) -> int:
    arrays = {Call(name): np.array([[value]]) for name, value in values.items()}
    found = weight(text).evaluate(lambda call: arrays[call])
    assert found.dtype == np.int8
    return int(found[0, 0])


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("yoy <= -10%", {"yoy": -0.1}, 2),
        ("yoy <= -10%", {"yoy": -0.09}, 0),
        ("yoy <= -10%", {"yoy": NAN}, 1),
        ("not yoy <= -10%", {"yoy": NAN}, 1),
        ("yoy > 5% or ratio < 1", {"yoy": NAN, "ratio": 0.5}, 2),
        ("yoy > 5% or ratio < 1", {"yoy": NAN, "ratio": 1.5}, 1),
        ("yoy > 5% and ratio < 1", {"yoy": NAN, "ratio": 1.5}, 0),
        ("yoy > 5% and ratio < 1", {"yoy": NAN, "ratio": 0.5}, 1),
        ("ratio between 0.9 and 1.1", {"ratio": 1.1}, 2),
        ("ratio between 0.9 and 1.1 and yoy > 0", {"ratio": 1.1, "yoy": -1.0}, 0),
        ("abs(surprise) >= 3", {"surprise": -3.5}, 2),
        ("value >= 20 t", {"value": 20_000.0}, 2),
        ("value >= 20 t", {"value": 19_999.0}, 0),
        ("yoy > 100%", {"yoy": INF}, 2),
        ("value / usual < 0.5", {"value": 1.0, "usual": 0.0}, 1),
        ("yoy - yoy == 0", {"yoy": INF}, 1),
        ("not (value >= 20 t or yoy > 0) and surprise - 1 < 3 * 2", {"value": 1.0, "yoy": -0.5, "surprise": 6.9}, 2),
        ("-ratio < -1 * 0.5", {"ratio": 0.6}, 2),
        ("ratio - 0.1 - 0.1 > 0.75", {"ratio": 1.0}, 2),
        ("value != 0", {"value": 0.0}, 0),
    ],
)
def test_conditions_are_true_false_or_unknown(text, values, expected):
    assert outcome(text, **values) == expected


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("yoy(months=3) < 0", Call("yoy", (("months", 3),))),
        ("yoy(years=2, months=3) < 0", Call("yoy", (("months", 3), ("years", 2)))),
        ("yoy(years=1) < 0", Call("yoy")),
        ("unit_value.yoy < 0", Call("yoy", (), (("measure", "unit_value"),))),
        ("unit_value.yoy(partner=VN) < 0", Call("yoy", (), (("measure", "unit_value"), ("partner", "VN")))),
        ("yoy(partner=VN) < 0", Call("yoy", (), (("partner", "VN"),))),
        ("value(product=HS6:850511) < 1 t", Call("value", (), (("product", "HS6:850511"),))),
        ("value(measure=value) < 1 M USD", Call("value", (), (("measure", "value"),))),
    ],
)
def test_arguments_and_siblings_become_calls(text, call):
    assert weight(text).calls == (call,)


def test_a_call_is_listed_once_and_spelling_does_not_matter():
    found = weight("yoy<=-10%   and\n (yoy <= -0.10 or ratio<1)")
    assert found.calls == (Call("yoy"), Call("ratio"))
    assert str(weight("20 t <= value")) == str(weight("20000 kg<=value"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("yoi <= 1%", '1: unknown indicator "yoi"; did you mean "yoy"?'),
        ("yoy <= 20 t", "8: yoy is a relative change, 20 t is a weight"),
        ("yoy <= -10", "8: yoy is a relative change: -10 is -1,000%; did you mean -10%?"),
        ("share > 30", "9: share is a part of something: 30 is 3,000%; did you mean 30%?"),
        ("value > 20", "9: value is a weight; write a unit, like 20 t"),
        ("value > 20 USD", "9: value is a weight, 20 USD is an amount of money"),
        ("surprise > 3%", "12: surprise is a number of standard deviations; write a plain number, found 3%"),
        ("usual + 20 USD > 3 t", "9: usual is a weight, 20 USD is an amount of money"),
        ("value * value > 1 t", "9: value cannot be multiplied with value"),
        ("yoy", "1: yoy is a number; compare it with something"),
        ("not yoy", "5: yoy is a number; compare it with something"),
        ("1 < 2", "1: no indicator stands in this comparison"),
        ("(ratio < 1) + 2 > 3", "2: a condition stands where a number is expected"),
        ("yoy(month=3) > 1%", '5: yoy has no argument "month"; did you mean "months"?'),
        ("yoy(months=99) > 1%", "5: months of yoy runs from 1 to 24, found 99"),
        ("yoy(months=x) > 1%", '5: months of yoy is a whole number, found "x"'),
        ("yoy(months=3, months=4) > 1%", '15: "months" is given twice'),
        ("value(measure=wieght) > 1 t", '7: unknown measure "wieght"; did you mean "weight"?'),
        (
            "partner.__class__ > 1",
            '1: unknown measure "partner" before the "."; known are weight, value, quantity, duty, unit_value',
        ),
        ("ratio < 1 < 2", '11: unexpected "<"; two comparisons are joined with "and", a range is written "between 1 and 2"'),
        ("ratio = 1", '7: unexpected "="; write "==" to compare'),
        ("ratio < 1 AND yoy > 0", '11: unexpected "AND"; write "and"'),
        ("ratio < 1 && yoy > 0", '11: unexpected "&"; write "and"'),
        ("ratio ≤ 1", '7: unexpected "≤"; write "<="'),
        ("yoy <= −10%", '8: unexpected "−"; write a plain "-"'),
        ("ratio < 20,000", '11: unexpected ","; write numbers without separators: 20000'),
        ("ratio <", "8: the condition ends where something more is expected"),
        ("ratio < 1 )", '11: unexpected ")"'),
        ("ratio between 1", "16: the condition ends where something more is expected"),
        ("not not ratio < 1", '5: unexpected "not"'),
        ("", "1: the condition is empty"),
        ("(" * 200 + "ratio < 1" + ")" * 200, "1: parentheses are nested 200 deep; 32 is the most"),
        ("x" * 501, "1: the condition has 501 characters; 500 is the most"),
        ("__import__('os')", '12: unexpected "\'"'),
        ("value[0] > 1 t", '6: unexpected "["'),
    ],
)
def test_a_mistake_is_told_with_its_column(text, sentence):
    assert refusal(text) == sentence


def test_an_unknown_unit_is_told():
    assert refusal("value > 20 tons").startswith('12: unknown unit "tons"; known are kg, t')


def test_an_amount_of_another_currency_than_the_figures_is_refused():
    with pytest.raises(ConditionError, match="value is in USD, 1 M CNY is in CNY"):
        parse("value > 1 M CNY", measure_dimension=Dimension.MONEY, unit="USD")


@pytest.mark.parametrize(
    "text",
    ["ratio <= 30%", "share > 0.3", "value > 0", "unit_value > 20 USD/kg", "value(measure=value) / value > 20 USD/kg",
     "yoy > yoy(partner=VN) + 5%", "usual * share > 3 t", "change < -20% * usual", "rise_streak >= 3", "rank <= 2"],
)  # fmt: skip
def test_numbers_that_can_be_compared_are_accepted(text):
    assert weight(text).calls


def test_several_mistakes_are_told_at_once():
    assert refusal("yoi > 1 and rato < 2").splitlines() == [
        '1: unknown indicator "yoi"; did you mean "yoy"?',
        '13: unknown indicator "rato"; did you mean "ratio"?',
    ]


def test_the_longest_condition_is_parsed_and_evaluated():
    text = "+".join(["ratio"] * 80) + " > 1"
    assert weight(text).evaluate(lambda call: np.ones((1, 1))).tolist() == [[2]]


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("abs(surprise) >= 3", (-3, 3)),
        ("surprise <= -4", (-4, INF)),
        ("3 <= surprise", (-INF, 3)),
        ("abs(surprise) >= 3 and abs(yoy) >= 20%", (-3, 3)),
        ("surprise <= -4 or surprise >= 5", (-4, 5)),
        ("abs(surprise) >= 3 or ratio < 0.5", None),
        ("surprise(partner=VN) >= 3", None),
        ("not abs(surprise) < 3", None),
        ("ratio < 0.5", None),
    ],
)
def test_the_bounds_on_surprise_are_known_where_surprise_alone_bounds_a_condition(text, bounds):
    assert weight(text).bounds(Call("surprise")) == bounds


def test_every_indicator_can_be_named_in_a_condition():
    for name, indicator in INDICATORS.items():
        literal = "1 t" if indicator.dimension is None else "1 USD/kg" if indicator.dimension is Dimension.PRICE else "1"
        assert weight(f"{name} > {literal}").calls == (Call(name),)


NAMES = ("yoy", "ratio", "surprise")
comparisons = st.builds(
    lambda left, sign, right: f"{left} {sign} {right}",
    st.sampled_from([*NAMES, *(f"abs({n})" for n in NAMES), "ratio / ratio", "yoy - ratio", "2 * surprise", "yoy / ratio"]),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.sampled_from(["-1", "0", "0.5", "1", "2"]),
)
conditions = st.recursive(
    comparisons,
    lambda inner: (
        st.builds(lambda a: f"not ({a})", inner)
        | st.builds(lambda a, word, b: f"({a} {word} {b})", inner, st.sampled_from(["and", "or"]), inner)
    ),
    max_leaves=6,
)
figures = st.sampled_from([NAN, INF, -1.0, 0.0, 0.5, 1.0, 2.0, -0.5])


def naive(node: ast.AST, values: dict[str, float]) -> float | bool | None:
    """Evaluate with Python's own parser, one cell, None for unknown."""
    match node:
        case ast.Expression(body=body):
            return naive(body, values)
        case ast.Name(id=name):
            return values[name]
        case ast.Constant(value=value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -naive(inner, values)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            known = naive(inner, values)
            return None if known is None else not known
        case ast.Call(args=[inner]):
            return abs(naive(inner, values))
        case ast.BinOp(left=left, op=op, right=right):
            a, b = naive(left, values), naive(right, values)
            if isinstance(op, ast.Div):
                return NAN if b == 0 else a / b
            return a - b if isinstance(op, ast.Sub) else a * b
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            a, b = naive(left, values), naive(right, values)
            signs = {ast.Lt: a < b, ast.LtE: a <= b, ast.Gt: a > b, ast.GtE: a >= b, ast.Eq: a == b, ast.NotEq: a != b}
            return None if a != a or b != b else signs[type(op)]
        case ast.BoolOp(op=op, values=parts):
            known = [naive(part, values) for part in parts]
            decisive = isinstance(op, ast.Or)
            return decisive if decisive in known else None if None in known else not decisive
    raise AssertionError(ast.dump(node))


@given(conditions, st.lists(st.tuples(figures, figures, figures), min_size=1, max_size=6))
def test_arrays_give_what_one_cell_after_the_other_gives(text, cells):
    arrays = {Call(name): np.array([[cell[i] for cell in cells]]) for i, name in enumerate(NAMES)}
    found = weight(text).evaluate(lambda call: arrays[call])
    tree = ast.parse(text, mode="eval")
    expected = [{False: 0, None: 1, True: 2}[naive(tree, dict(zip(NAMES, cell, strict=True)))] for cell in cells]
    assert found.tolist() == [expected]


def faults_of(text: str) -> tuple[tuple[int, str], ...]:
    try:
        return () if weight(text).calls else ((-1, "nothing is read"),)
    except ConditionError as error:
        return error.faults or ((-1, "refused without a word"),)


@given(st.text(st.sampled_from("yoratio<>=()1.5% andotbewusrp-+*/t,\"'"), max_size=40))
def test_any_text_is_a_condition_or_refused_in_words(text):
    assert all(0 <= at <= len(text) and sentence for at, sentence in faults_of(text))
