"""Tables as aligned text and as Markdown."""

from __future__ import annotations

from monitor.notify.tables import escape, markdown_table, text_table

ROWS = (("Partner", "Figure"), ("Germany", "1,118 t"), ("A name that is far too long for one line of a table", "7 t"))


def test_the_first_column_is_wrapped_and_the_others_stand_to_the_right() -> None:
    assert text_table(ROWS, "  ").splitlines() == [
        "  Partner                           Figure",
        "  -------------------------------  -------",
        "  Germany                          1,118 t",
        "  A name that is far too long for      7 t",
        "    one line of a table",
    ]


def test_markup_in_a_cell_is_escaped_in_markdown() -> None:
    assert markdown_table((("a", "b"), ("<x>|", "*1*"))).splitlines() == [
        "| a | b |",
        "| :-- | --: |",
        "| \\<x\\>\\| | \\*1\\* |",
    ]
    assert escape("plain") == "plain"
