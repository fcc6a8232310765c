"""The table of an alert's life: every stand, every reading, and a reason beside each."""

from __future__ import annotations

import pytest

from monitor.alerts.life import TABLE, Before, During, Stand


@pytest.mark.parametrize("stand", Stand)
def test_the_table_has_a_reason_for_every_stand_and_every_reading_it_can_meet(stand: Stand) -> None:
    readings = Before if stand in (Stand.IDLE, Stand.PENDING) else During
    assert {reading for s, reading in TABLE if s is stand} == set(readings)
    assert all(TABLE[stand, reading].reason for reading in readings)


def test_the_table_has_no_other_rows() -> None:
    assert len(TABLE) == 2 * len(Before) + 2 * len(During)
