from __future__ import annotations

import pytest

from monitor.baskets.loading import load_baskets
from monitor.baskets.partners import load_partner_groups
from monitor.baskets.records import Code, Composite, Place, Purity, Successor
from monitor.errors import ConfigError
from monitor.months import month


def test_the_shipped_files_load():
    shipped = load_baskets("config/baskets.yaml")
    assert shipped.baskets["rare-earth-magnets"].products[:2] == ("CN8:85051110", "X:magnets-and-semifinished")
    assert shipped.title("X:magnets-and-semifinished") == "Magnets with semi-finished goods"
    assert load_partner_groups("config/partners.yaml")["usmca-neighbours"] == ("CA", "MX")


SHIPPED = [(basket, code) for basket in load_baskets("config/baskets.yaml").baskets.values() for code in basket.codes]


def test_every_shipped_code_has_its_source_or_what_was_not_verified():
    assert [code.product for _, code in SHIPPED if not (code.cited or code.unverified)] == []
    assert [basket.name for basket, _ in SHIPPED if basket.why_no_total] == []


def test_the_germanium_code_that_a_public_map_calls_gallium_is_germanium():
    assert {basket.name for basket, code in SHIPPED if code.product == "CN8:81129210"} == {"germanium"}


def test_codes_of_eight_digits_are_read_where_their_list_holds():
    shared = {"CN8:85051110", "CN8:85076000"}
    assert [c.product for _, c in SHIPPED if c.nomenclature == "CN8" and not c.place.sources and c.product not in shared] == []


def test_mistakes_in_baskets_are_told_together(tmp_path):
    path = tmp_path / "b.yaml"
    path.write_text(
        "baskets:\n  one:\n    codes: [8505, HS6:850511, {code: '850519', valid_from: 2012}, {code: HS6:1, form: 3}]\n"
        "  two: {codes: []}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_baskets(path)
    assert str(caught.value).splitlines() == [
        f'{path}:3:13: "8505" has no nomenclature; write it like HS6:850511',
        f'{path}:3:38: "850519" has no nomenclature; write it like HS6:850511',
        f'{path}:3:81: unknown key "form"; did you mean "factor"?',
        f"{path}:4:16: at least one entry is expected here",
    ]


def test_what_a_composite_holds_is_read(tmp_path):
    path = tmp_path / "baskets.yaml"
    path.write_text("baskets: {}\ncomposites:\n  X:all: {includes: [HS6:850511, HS6:850519], rest: powder}\n", encoding="utf-8")
    assert load_baskets(path).composites == {"X:all": Composite(includes=("HS6:850511", "HS6:850519"), rest="powder")}


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("HS6:8505: {includes: [HS6:850511], rest: a}", '3:3: "HS6:8505" is no composite; write its code with X: before it'),
        ("X:all: {includes: [850511], rest: a}", '3:22: "850511" has no nomenclature; write it like HS6:850511'),
        ("X:all: {includes: [], rest: a}", "3:21: at least one entry is expected here"),
        ("X:all: {includes: [HS6:850511]}", '"rest"'),
    ],
)
def test_mistakes_in_composites_are_told_with_their_place(tmp_path, line, sentence):
    path = tmp_path / "baskets.yaml"
    path.write_text(f"baskets: {{}}\ncomposites:\n  {line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=sentence):
        load_baskets(path)


def one_code(tmp_path, code):
    path = tmp_path / "baskets.yaml"
    path.write_text(f"baskets:\n  b:\n    codes:\n      - {code}\n", encoding="utf-8")
    return load_baskets(path).baskets["b"].codes[0]


def test_what_is_written_of_a_code_is_read(tmp_path):
    written = (
        "{code: HS6:1, valid_from: 2012, valid_to: 2021-06, sources: [gacc], reporters: [CN], flow: export, factor: 74%, "
        "successors: [{code: HS6:2, split: 60%}, HS6:3], purity: mostly, also: dust, cited: a list, unverified: its end}"
    )
    assert one_code(tmp_path, written) == Code(
        product="HS6:1",
        valid_from=month(2012, 1),
        valid_to=month(2021, 6),
        place=Place(sources=("gacc",), reporters=("CN",), flow="export"),
        factor=0.74,
        successors=(Successor(product="HS6:2", split=0.6), Successor(product="HS6:3")),
        purity=Purity.MOSTLY,
        also="dust",
        cited="a list",
        unverified="its end",
    )
    assert one_code(tmp_path, "{code: HS6:1, valid_to: 2021, factor: 200 kg}") == Code(
        product="HS6:1", valid_to=month(2021, 12), piece=200.0
    )


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("{code: HS6:1, from: 2012}", 'unknown key "from"; did you mean "valid_from"?'),
        ("{code: HS6:1, to: 2012}", 'unknown key "to"; did you mean "valid_to"?'),
        ("{code: HS6:1, valid_from: 12}", 'a year or a month is expected here, like 2022 or 2022-01; found "12"'),
        ("{code: HS6:1, valid_to: soon}", 'a year or a month is expected here, like 2022 or 2022-01; found "soon"'),
        ("{code: HS6:1, valid_from: 2022, valid_to: 2021}", "HS6:1 would end before it begins"),
        ("{code: HS6:1, successors: [HS6:2]}", "HS6:1 has successors and no end; write valid_to"),
        ("{code: HS6:1, also: dust}", "also says what else a code holds; write purity: mostly or mixed with it"),
        ("{code: HS6:1, purity: pure}", '"pure" is not one of exact, mostly, mixed'),
        ("{code: HS6:1, factor: 0}", "a factor is a number above 0, a percentage, or what a piece weighs"),
        ("{code: HS6:1, factor: 3 pcs}", "a factor is a number above 0, a percentage, or what a piece weighs"),
        ("{code: HS6:1, valid_to: 2021, successors: [{code: HS6:2, split: 120%}]}", "a part is a percentage up to 100%"),
        ("{code: HS6:1, valid_to: 2021, successors: [{code: HS6:1, split: 50%}]}", "HS6:1 is a code of the basket and counts as"),
        ("{code: HS6:1, reporters: [China]}", '"China" is not a code of a partner; write CN'),
        ("{code: HS6:1, flow: exports}", '"exports" is not one of'),
    ],
)
def test_a_code_that_contradicts_itself_is_refused_in_a_sentence(tmp_path, code, sentence):
    with pytest.raises(ConfigError) as caught:
        one_code(tmp_path, code)
    assert sentence in str(caught.value)
    assert len(caught.value.mistakes) == 1


@pytest.mark.parametrize(
    ("splits", "sentence"),
    [
        (("{code: HS6:3, split: 60%}", "{code: HS6:3, split: 60%}"), "the splits of HS6:3 add up to 120%; its whole is 100%"),
        (("{code: HS6:3, split: 60%}", "HS6:3"), "HS6:3 has a split after one code and none after another"),
    ],
)
def test_the_splits_of_a_successor_fit_together(tmp_path, splits, sentence):
    path = tmp_path / "baskets.yaml"
    codes = ", ".join(f"{{code: HS6:{n}, valid_to: 2021, successors: [{split}]}}" for n, split in enumerate(splits, 1))
    path.write_text(f"baskets: {{b: {{codes: [{codes}]}}}}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=sentence):
        load_baskets(path)


def test_a_basket_is_shown_in_a_unit_that_is_known(tmp_path):
    path = tmp_path / "baskets.yaml"
    path.write_text("baskets: {b: {unit: tons, codes: [HS6:1]}}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match='unknown unit "tons"'):
        load_baskets(path)


def test_no_code_goes_on_as_itself(tmp_path):
    with pytest.raises(ConfigError, match=r":4:\d+: HS6:1 would go on as itself; write the code that came after it"):
        one_code(tmp_path, "{code: HS6:1, valid_to: 2021, successors: [HS6:1]}")
