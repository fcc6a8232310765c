from __future__ import annotations

import pandas as pd
import pytest
from pydantic import ValidationError

from monitor.months import month
from monitor.series import Coverage
from monitor.sources.base import Table
from monitor.sources.completeness import CompleteWhen

MAY = month(2025, 5)


def release(partners: list[str], periods: tuple[int, ...] = (MAY,)) -> Table:
    cells = [{"partner": p, "period": m, "flow": "import", "measure": "value"} for m in periods for p in partners]
    return Table(frame=pd.DataFrame(cells), coverage=Coverage(periods=periods))


def test_a_release_with_far_fewer_rows_than_usual_is_held_with_both_numbers() -> None:
    rule = CompleteWhen(rows_at_least="60%")
    assert rule.check(release(["US"] * 5), [10, 10, 10]) == "5 rows a month, under 60% of the usual 10"
    assert rule.check(release(["US"] * 6), [10, 10, 10]) == ""


def test_only_the_last_12_releases_say_what_is_usual() -> None:
    rule = CompleteWhen(rows_at_least="60%")
    assert rule.check(release(["US"] * 6), [1000] * 50 + [10] * 12) == ""


def test_a_release_of_many_months_is_measured_by_the_month() -> None:
    rule = CompleteWhen(rows_at_least="60%")
    assert rule.check(release(["US"] * 5, (MAY - 1, MAY)), [10]) != ""
    assert rule.check(release(["US"] * 9, (MAY - 1, MAY)), [10]) == ""


def test_whole_months_do_not_hide_that_the_newest_is_not() -> None:
    rule = CompleteWhen(rows_at_least="60%")
    months = [release(["US"] * rows, (MAY + at,)).frame for at, rows in enumerate((10, 10, 5))]
    again = Table(frame=pd.concat(months[::-1]), coverage=Coverage(periods=(MAY, MAY + 1, MAY + 2)))
    assert rule.check(again, [10]) == "5 rows in 2025-07, under 60% of the 10 in the months before"
    assert rule.check(again, []) == "5 rows in 2025-07, under 60% of the 10 in the months before"
    assert CompleteWhen().check(again, [10]) == ""


def test_a_release_without_rows_is_measured_by_earlier_ones_alone() -> None:
    nothing = Table(frame=release(["US"]).frame[:0], coverage=Coverage(periods=(MAY,)))
    assert CompleteWhen(rows_at_least="60%").check(nothing, []) == ""
    assert CompleteWhen(rows_at_least="60%").check(nothing, [10]) == "0 rows a month, under 60% of the usual 10"


def test_a_first_release_has_nothing_to_be_measured_by() -> None:
    assert CompleteWhen(rows_at_least="60%").check(release(["US"]), []) == ""


def test_a_release_without_its_total_is_held() -> None:
    rule = CompleteWhen(total="required")
    assert rule.check(release(["US", "WORLD"]), []) == ""
    assert rule.check(release(["US"]), []) == "no World total of import value in 2025-05"


def test_a_total_of_one_month_is_not_the_total_of_the_next() -> None:
    whole, partial = release(["US", "WORLD"]), release(["US"], (MAY + 1,))
    both = Table(frame=pd.concat([whole.frame, partial.frame]), coverage=Coverage(periods=(MAY, MAY + 1)))
    assert CompleteWhen(total="required").check(both, []) == "no World total of import value in 2025-06"


@pytest.mark.parametrize("text", ["60", "0%", "101%", "-5%", "many"])
def test_a_share_that_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is not a percentage; write it as 60%"):
        CompleteWhen(rows_at_least=text)
