"""A person looks at what is to be fetched by hand."""

from __future__ import annotations

GACC = """
  - name: downloads
    kind: gacc
    dataset: exports/hs8
    currency: USD
    folder: inbox
    every_partner: true
    task: {owner: desk, codes: ["85051110"]}
"""


def test_what_is_to_be_fetched_is_listed_with_all_that_it_says(desk):
    assert desk.reads("tasks") == "Nothing is to be fetched by hand.\n"
    assert desk.json("tasks") == []
    (desk.folder / "inbox").mkdir()
    sources = desk.folder / "config" / "sources.yaml"
    sources.write_text(sources.read_text("utf-8") + GACC, encoding="utf-8")
    desk.reads("pull", "downloads")
    lines = desk.reads("tasks").splitlines()
    assert lines[0].startswith("downloads/exports/hs8, ")
    assert ": desk, since " in lines[0]
    assert "  Codes: 85051110." in lines
    (task,) = desk.json("tasks")
    assert (task["source"], task["owner"], task["overdue"]) == ("downloads/exports/hs8", "desk", False)
    assert task["says"] == [line.strip() for line in lines[1:]]
    assert len(task["months"]) in (1, 2)
