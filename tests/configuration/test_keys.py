"""The keys of every block, and what they take."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from monitor.configuration.keys import Log, Monitor
from monitor.configuration.route_keys import RouteKeys


@pytest.mark.parametrize(
    ("text", "words"),
    [("debug", {"level": "debug"}), ("json", {"format": "json"}), ("json, error", {"format": "json", "level": "error"})],
)
def test_the_log_is_set_in_words(text: str, words: dict[str, str]) -> None:
    assert Log.words(text) == words


def test_every_block_refuses_unknown_keys() -> None:
    blocks = [Monitor, *(info.annotation for info in Monitor.model_fields.values() if hasattr(info.annotation, "model_fields"))]
    assert len(blocks) == 7
    for block in blocks:
        with pytest.raises(ValidationError, match="Extra inputs"):
            block.model_validate({"colour": "red"})


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "a#b", "x" * 65, "a\nb"])
def test_a_name_that_would_break_a_key_or_a_path_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is not a name"):
        RouteKeys(name=name, receivers=("desk",))
