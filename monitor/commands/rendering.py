"""See a message before it is sent: `monitor render`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import desk_at, say, show_json
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from email.message import EmailMessage

    from monitor.preview import Preview

FORMATS = ("sent", "text", "html", "json", "context")
_PARTS = ("subject", "text", "html", "body")


def _templates(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    """Read ``text=page.txt``; a file alone is the text, or by its ending the page or the body."""
    found = {}
    for value in values:
        part, marked, name = value.partition("=")
        if marked and part in _PARTS:
            found[part] = Path(name)
        elif marked and part.isidentifier() and not Path(value).exists():
            raise click.BadParameter(f'"{part}" is no part of a message; parts are {", ".join(_PARTS)}')
        else:
            found[{".html": "html", ".json": "body"}.get(Path(value.removesuffix(".j2")).suffix, "text")] = Path(value)
    return {part: path.absolute() for part, path in found.items()}


@click.command("render")
@click.option("--receiver", required=True, metavar="NAME", help="Who would be sent it; NAME#ADDRESS for one address.")
@click.option("--alert", metavar="ID", help="The newest message that tells of this alert.")
@click.option("--release", metavar="ID", help="The newest message about this release.")
@click.option("--notification", metavar="ID", help="This message.")
@click.option(
    "--template", "templates", multiple=True, callback=_templates, metavar="[PART=]FILE",
    help="Try a template that is not configured: subject, text, html or body.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="sent", show_default=True,
    help="What would be sent; its text or its page alone; all as JSON; or what a template can say of it.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.pass_obj
def render_command(
    config: Path,
    receiver: str,
    alert: str | None,
    release: str | None,
    notification: str | None,
    templates: dict[str, Path],
    form: str,
    out: Path | None,
) -> None:
    """
    Show what a receiver would be sent, with its templates and its locale, secrets masked; nothing is sent.

    Of an id the first letters are enough. Exits 1 if a template is broken: that part is shown in the built-in words, as it would
    be sent.

    For example: monitor render --receiver desk --release gacc-2025-10 --template text=page.txt.
    """
    from monitor import preview

    ways = {preview.page_of_alert: alert, preview.page_of_release: release, preview.page_of_notification: notification}
    given = [(find, id) for find, id in ways.items() if id]
    if len(given) != 1:
        raise click.UsageError("name one of --alert, --release and --notification")
    with desk_at(config) as app:
        ((find, id),) = given
        found = preview.preview(app, receiver, find(app, receiver, id), templates)
    written = _written(found, form)
    if out is not None:
        out.write_text(written, encoding="utf-8", newline="")
        say(f"Wrote {out}.", err=True)
    elif form in ("json", "context"):
        show_json(json.loads(written))
    else:
        say(written)
    if found.trouble:
        raise MonitorError(f"the built-in words would be sent in place of a template: {found.trouble}")


def _written(found: Preview, form: str) -> str:
    if form == "context":
        return _json(found.context)
    if form in ("text", "html"):
        return _part(found, form)
    return found.content if form == "sent" and found.content else _json(found.shown)


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"


def _part(found: Preview, form: str) -> str:
    """Return the text or the page of the first mail, or the text of a receiver that has no mails."""
    mail = next((content for content in _mails(found)), None)
    part = mail.get_body((form.replace("text", "plain"),)) if mail is not None else None
    if part is not None:
        return str(part.get_content())
    if form == "text" and "text" in found.shown:
        return str(found.shown["text"])
    words = "text" if form == "text" else "page"
    raise MonitorError(f"what this receiver is sent has no {words} of its own; --format sent shows it")


def _mails(found: Preview) -> list[EmailMessage]:
    from email import message_from_string, policy
    from email.message import EmailMessage

    files = found.shown.get("files", {})
    written = [*found.shown.get("mails", ()), *(text for name, text in files.items() if name.endswith(".eml"))]
    read = (message_from_string(text, policy=policy.default) for text in written)
    return [mail for mail in read if isinstance(mail, EmailMessage)]
