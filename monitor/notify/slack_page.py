"""
A message as blocks of Slack, within its limits.

Words stand in rich text, whose runs no client reads as markup, a link or a mention. References:
https://docs.slack.dev/reference/block-kit/blocks/rich-text-block/ and …/header-block/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from monitor.notify.base import Message
from monitor.notify.paragraphs import Paragraph, Role, fitting, subject
from monitor.notify.shortening import clipped

MOST_BLOCKS = 50
LONGEST_HEADER = 150
LARGEST = 13_000
"""Characters of all blocks as JSON: Slack refuses some from about 13,200 on, and does not say why."""

_LONGEST_TEXT = 300
_JOINED = (Role.BELOW, Role.OWN)

Block = dict[str, Any]


def page(message: Message, *, table: bool = False) -> dict[str, Any]:
    """Return the text and the blocks of a message; lines that do not fit are counted in words."""

    def fits(found: list[Paragraph]) -> bool:
        made = list(_blocks(found))
        return len(made) <= MOST_BLOCKS and len(json.dumps(made, ensure_ascii=False)) <= LARGEST

    text = clipped(subject(message), _LONGEST_TEXT)
    return {"text": escaped(text), "blocks": list(_blocks(fitting(message, fits, table=table))), "mrkdwn": False}


def escaped(text: str) -> str:
    """Return a text in which Slack finds no link, mention or channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(found: list[Paragraph]) -> Iterator[Block]:
    """Yield a header, then a block for each section's name, each line with what is below it, and the foot."""
    titles = [paragraph for paragraph in found if paragraph.role is Role.TITLE]
    for title in titles:
        yield {"type": "header", "text": {"type": "plain_text", "text": clipped(title.text, LONGEST_HEADER), "emoji": False}}
    places: list[tuple[int, Paragraph]] = []
    for paragraph in found[len(titles) :]:
        joins = places and (paragraph.role in _JOINED or paragraph.role is places[-1][1].role is Role.FOOT)
        places.append((places[-1][0] if joins else len(places), paragraph))
    for _, block in groupby(places, key=lambda place: place[0]):
        yield {"type": "rich_text", "elements": [_section(paragraph) for _, paragraph in block]}


def _section(paragraph: Paragraph) -> Block:
    bold = {"style": {"bold": True}}
    runs: list[Block] = [{"type": "text", "text": run.text, **(bold if run.bold else {})} for run in paragraph.runs]
    return {"type": "rich_text_section", "elements": runs}
