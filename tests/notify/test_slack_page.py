from __future__ import annotations

import dataclasses

from players.slack import words, wrong

from monitor.notify.base import Message
from monitor.notify.slack_page import escaped, page


def test_a_page_has_a_header_a_block_a_line_and_its_foot(message: Message) -> None:
    said = page(message)
    assert [block["type"] for block in said["blocks"]] == ["header", *["rich_text"] * 6]
    assert wrong(said) == ""
    line = said["blocks"][2]["elements"][0]["elements"]
    assert [run["text"] for run in line if "style" in run] == ["1,238 t in May 2025", "Worse, critical (was warning)."]


def test_a_header_is_no_longer_than_slack_takes(message: Message) -> None:
    long = dataclasses.replace(message, digest=dataclasses.replace(message.digest, title="Magnets and 1,238 t of parts, " * 20))
    header = page(long)["blocks"][0]["text"]["text"]
    assert len(header) <= 150
    assert header.endswith("…")


def test_more_lines_than_blocks_are_counted(message: Message) -> None:
    tiny = dataclasses.replace(message.digest.lines[0], title="M", figure="1 t", sentences=(), outcome="New", reasons=())
    many = dataclasses.replace(message, digest=dataclasses.replace(message.digest, lines=(tiny,) * 90, more=""))
    said = page(many)
    assert len(said["blocks"]) <= 50
    hidden = 90 - sum(text == "M: 1 t. New." for text in words(said))
    assert f"And {hidden} more, see `monitor alerts list`." in words(said)


def test_what_slack_reads_as_a_mention_or_a_link_is_escaped() -> None:
    assert escaped("<!here> & <http://x|y>") == "&lt;!here&gt; &amp; &lt;http://x|y&gt;"


def test_a_receivers_own_words_are_the_page_and_its_notification_and_fit(message: Message) -> None:
    own = {"subject": "Ours <!channel>", "text": "*Supply*\n<!here> down\n\n" + "\n\n".join(["x" * 900] * 90)}
    said = page(dataclasses.replace(message, own=own))
    assert wrong(said) == ""
    assert said["text"] == "Ours &lt;!channel&gt;"
    texts = words(said)
    assert texts[:2] == ["*Supply*", "<!here> down"], "rich text, whose runs are no markup"
    assert texts[-1].endswith("more lines, see `monitor alerts list`.")
