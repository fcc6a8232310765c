"""What was expected of a figure, and how it compares: pure functions on panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.detection.frames import expect

__all__ = ["expect"]


def __getattr__(name: str) -> Any:
    """Import `expect` when it is asked for: it needs the whole room."""
    if name != "expect":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from monitor.detection import frames

    return frames.expect
