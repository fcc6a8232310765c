"""
A brief as plain text, Markdown, HTML and JSON, and an explanation as a page.

The words are the brief's own; names from sources are escaped for each form and trusted in none.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from markupsafe import Markup

from monitor import charts
from monitor.alerts.messages import Chart
from monitor.brief import Brief, as_json
from monitor.explain import BY_STL, COMPARED, Explanation
from monitor.months import say_month
from monitor.notify import small_pictures
from monitor.notify.render import WIDTH, cleaned, glued, json_text, template, wrap
from monitor.notify.tables import escape, markdown_table, text_table
from monitor.telling.anatomy import Anatomy
from monitor.telling.records import Table
from monitor.wording import say_amount, say_percent


def render(found: Brief, form: str) -> str:
    """
    Write a brief.

    Parameters
    ----------
    form : {"text", "md", "html", "json"}
    """
    writers = {"text": _text, "md": _markdown, "html": _html, "json": _json}
    return writers[form](found)


def explanation(found: Explanation) -> str:
    """Write an explanation as a page of its own."""
    found = cleaned(found)
    return template("explanation.html.j2").render(
        found=found, picture=picture(found.picture), parts=parts(found.anatomy), glued=glued, compared=COMPARED, by_stl=BY_STL
    )


def _json(found: Brief) -> str:
    return json_text(as_json(found))


def _filled(words: str) -> str:
    return wrap(glued(words), WIDTH).replace("\u00a0", " ")


def _text(found: Brief) -> str:
    found = cleaned(found)
    blocks = [_under(found.title, "="), _filled(" ".join(found.headline))]
    for section in found.sections:
        blocks.append(_under(section.title, "-"))
        blocks += [_filled(f"{p.name}: {p.text}") for p in section.paragraphs]
        blocks += [_text_table(section.table)] if section.table else []
    blocks += [_filled(sentence) for sentence in closing(found)]
    return "\n\n".join(blocks) + "\n"


def _under(title: str, mark: str) -> str:
    words = wrap(title, WIDTH)
    return f"{words}\n{mark * max(map(len, words.splitlines()))}"


def closing(found: Brief) -> list[str]:
    """Return the sentences below the sections: the parts of the leading series, notes, credit."""
    return [found.anatomy.text, *found.notes, *filter(None, [found.credit])]


def _text_table(table: Table) -> str:
    body = text_table((table.headings, *table.cells))
    return f"{body}\n{table.note}" if table.note else body


def _markdown(found: Brief) -> str:
    found = cleaned(found)
    blocks = [f"# {escape(found.title)}", escape(" ".join(found.headline))]
    for section in found.sections:
        blocks.append(f"## {escape(section.title)}")
        blocks += [f"**{escape(p.name)}**: {escape(p.text)}" for p in section.paragraphs]
        blocks += list(_markdown_table(section.table)) if section.table else []
    return "\n\n".join([*blocks, *map(escape, closing(found))]) + "\n"


def _markdown_table(table: Table) -> Iterator[str]:
    yield markdown_table((table.headings, *table.cells))
    yield from [escape(table.note)] if table.note else []


def _html(found: Brief) -> str:
    found = cleaned(found)
    return template("brief.html.j2").render(
        brief=found, picture=picture, parts=parts(found.anatomy), tables=_captions(found), glued=glued
    )


def _captions(found: Brief) -> dict[int, str]:
    """Name each table for those who hear it: its section and month."""
    return {n: f"{section.title}, {say_month(found.month)}" for n, section in enumerate(found.sections)}


def picture(chart: Chart) -> Markup:
    """Return a chart as markup, narrow enough to be read on a phone; the drawing escapes its words."""
    return Markup(charts.svg(chart, width_px=500, height_px=220))


def parts(anatomy: Anatomy) -> list[tuple[str, str, Markup]]:
    """Return trend, season and what is left of a series: name, the newest number in words, and a small picture."""
    found = anatomy.parts
    if found is None:
        return []
    middle = 1.0 if found.on_logs else 0.0
    rows = [("Trend", found.trend, None), ("Season", found.seasonal, middle), ("What is left", found.remainder, middle)]
    told = []
    for name, values, level in rows:
        words = partial(_newest, anatomy, beside=level is not None)
        newest = words(float(values[-1]))
        label = f"{name} of {anatomy.title}, newest {newest}"
        drawn = small_pictures.line([float(v) for v in values], int(found.months[0]), label, middle=level, say=words)
        told.append((name, newest, Markup(drawn)))
    return told


def _newest(anatomy: Anatomy, value: float, *, beside: bool) -> str:
    """Say a part: an amount, or beside a trend on logarithms how far up or down."""
    if beside and anatomy.parts is not None and anatomy.parts.on_logs:
        return _against_trend(value)
    return say_amount(value, anatomy.unit, signed=beside)


def _against_trend(factor: float) -> str:
    return f"{say_percent(abs(factor - 1))} {'up' if factor >= 1 else 'down'}"
