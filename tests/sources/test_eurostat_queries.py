from __future__ import annotations

from collections import Counter
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.months import month
from monitor.sources.eurostat_queries import MOST_CELLS, MOST_PRODUCTS, Query

JANUARY = month(2025, 1)


def codes(most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.integers(1, most).map(lambda n: tuple(f"{i:04d}" for i in range(n)))


queries = st.builds(
    Query,
    reporters=codes(3),
    partners=st.just(()) | codes(3),
    products=codes(200),
    flows=st.sampled_from([("1",), ("1", "2")]),
    indicators=st.sampled_from([("V",), ("V", "W"), ("V", "W", "Q")]),
    first=st.just(JANUARY),
    last=st.integers(JANUARY, JANUARY + 12),
)


def asked(query: Query) -> Counter[tuple[str, str, int]]:
    return Counter(product(query.reporters, query.products, range(query.first, query.last + 1)))


@settings(max_examples=20, deadline=None)
@given(queries)
def test_the_parts_of_a_query_ask_for_the_same_once_each_within_the_limits(query: Query) -> None:
    parts = query.within_limits()
    assert sum((asked(part) for part in parts), Counter()) == asked(query)
    assert all((part.partners, part.flows, part.indicators) == (query.partners, query.flows, query.indicators) for part in parts)
    assert all(part.cells <= MOST_CELLS and len(part.products) <= MOST_PRODUCTS for part in parts)
    assert sum(part.cells for part in parts) == query.cells


def test_the_key_names_all_positions_and_leaves_an_open_dimension_empty() -> None:
    query = Query(
        reporters=("DE", "EU27_2020"), partners=(), products=("85051110",), flows=("1",), indicators=("A", "B"),
        first=JANUARY, last=JANUARY,
    )  # fmt: skip
    assert query.key == "M.DE+EU27_2020..85051110.1.A+B"
