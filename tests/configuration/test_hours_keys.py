"""Working hours as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from monitor.configuration.hours_keys import HoursKeys, read_days, read_minute


@pytest.mark.parametrize(
    ("written", "days"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("sat-mon", {5, 6, 0}),
        ("mon, wed", {0, 2}),
        ("Mon", {0}),
        (["mon", "thu-fri"], {0, 3, 4}),
    ],
)
def test_days_are_read(written: Any, days: set[int]) -> None:
    assert read_days(written) == days


@pytest.mark.parametrize("written", ["", [], "mon-", "monday", "mo", 3, "mon-fri-sun", {"mon": 1}])
def test_what_is_no_day_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match=r"is not a day|no day"):
        read_days(written)


@pytest.mark.parametrize(("written", "minute"), [("00:00", 0), ("8:30", 510), ("24:00", 1440)])
def test_a_time_of_day_is_read(written: str, minute: int) -> None:
    assert read_minute(written) == minute


@pytest.mark.parametrize("written", ["24:01", "25:00", "8", "08:60", "8.30", "", "noon", 830, "-1:00"])
def test_what_is_no_time_of_day_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match="is not a time of day"):
        read_minute(written)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"days": "mon-fri", "from": "08:00", "to": "18:00"}, "mon-fri 08:00 to 18:00, UTC"),
        ({"from": "22:00", "to": "06:00"}, "mon-sun 22:00 to 06:00, UTC"),
        ({"days": "mon", "to": "00:00", "from": "20:00"}, "mon 20:00 to 00:00, UTC"),
        ({"holidays": "DE-BY"}, "mon-sun 00:00 to 24:00, UTC, not on holidays of DE-BY"),
        (
            {"spans": [{"days": "mon-thu", "from": "08:00"}, {"days": "fri", "to": "12:00"}]},
            "mon-thu 08:00 to 24:00 and fri 00:00 to 12:00, UTC",
        ),
    ],
)
def test_hours_are_what_they_say(keys: dict[str, Any], said: str) -> None:
    assert str(HoursKeys.model_validate({"time_zone": "UTC", **keys}).hours("office")) == said


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"from": "08:00", "to": "08:00"}, "from and to are the same time"),
        ({"from": "00:00", "to": "00:00"}, "from and to are the same time"),
        ({}, "never close"),
        ({"spans": [{"from": "00:00", "to": "12:00"}, {"from": "12:00"}]}, "never close"),
        ({"days": "mon", "spans": [{"days": "tue"}]}, "write either days, from and to, or spans"),
        ({"days": "mon", "time_zone": "Europe/Berln"}, 'did you mean "Europe/Berlin"'),
        ({"days": "mon", "time_zone": ""}, "time_zone names none"),
        ({"holidays": "DE-XX"}, 'no holidays are known for "DE XX"'),
        ({"holidays": "germany"}, 'did you mean "DE"?'),
        ({"holidays": "ZZ"}, 'no holidays are known for "ZZ"'),
    ],
)
def test_hours_that_mean_nothing_are_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        HoursKeys.model_validate({"time_zone": "UTC", **keys})
    assert said in str(caught.value)


def test_hours_that_never_open_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    every_day = type("EveryDay", (), {"__contains__": lambda self, day: True})()
    monkeypatch.setattr("monitor.alerts.timings.public_holidays", lambda country, subdivision: every_day)
    with pytest.raises(ValidationError, match="never open"):
        HoursKeys.model_validate({"time_zone": "UTC", "days": "mon", "holidays": "DE"})
