from __future__ import annotations

import pytest

from monitor import errors
from monitor.errors import (
    ConfigError,
    DeliveryDelayed,
    DeliveryRefused,
    Mistake,
    MonitorError,
    RuleError,
    SettingsError,
    SourceFormatChanged,
    SourceThrottled,
    SourceUnavailable,
)

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_says_its_sentence_and_is_caught_as_one_of_ours(kind: type[MonitorError]) -> None:
    assert issubclass(kind, MonitorError)
    assert str(kind("one sentence")) == "one sentence"


def test_mistakes_are_told_together_in_the_order_of_files_and_lines() -> None:
    found = [Mistake("b.yaml", 1, 1, "second"), Mistake("a.yaml", 12, 7, "first"), Mistake("b.yaml", 10, 2, "third")]
    error = RuleError(found)
    assert str(error).splitlines() == ["a.yaml:12:7: first", "b.yaml:1:1: second", "b.yaml:10:2: third"]
    assert [mistake.sentence for mistake in error.mistakes] == ["first", "second", "third"]


def test_a_mistake_without_a_place_is_its_sentence() -> None:
    assert SettingsError("no such file").mistakes == ()
    assert isinstance(SettingsError("no such file"), ConfigError)


def test_patience_is_kept_with_the_error() -> None:
    assert SourceThrottled("slow down", retry_after=30).retry_after == 30
    assert isinstance(SourceThrottled("slow down"), SourceUnavailable)
    assert DeliveryDelayed("later", retry_after=5).retry_after == 5
    assert DeliveryRefused("never", gone=True).gone
    assert not DeliveryRefused("no").gone
    assert SourceFormatChanged("strange").raw == b""
