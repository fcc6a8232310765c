"""
A user's own templates: filled with the plain words of a page, in a process that can reach nothing else.

A template sees what `names` returns and no more; docs/templates.md lists it. Whatever is wrong with one is a `TemplateBroken`
in a sentence that names its file and line.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from monitor.alerts.messages import Digest, Line, Reason
from monitor.errors import TemplateBroken
from monitor.months import format_month
from monitor.notify import render
from monitor.wording import is_hidden

LIMITS = {"memory": 256 * 2**20, "seconds": 2, "characters": 2**20}
PATIENCE_S = 20.0  # for a machine so busy that the process does not begin
MOST_FILES, MOST_BYTES = 50, 2**18
LONGEST_SUBJECT = 200
_CHILD = Path(__file__).with_name("sandbox.py")
_TOO_LONG = {-signal.SIGALRM, -signal.SIGXCPU, -signal.SIGKILL}


def filled(template: Path, digest: Digest, *, html: bool = False, public_url: str = "", receiver: str = "") -> str:
    """
    Fill a template with a page.

    Parameters
    ----------
    template : Path
        Beside it may stand those that it includes: files that end alike.
    digest : Digest
    html : bool
        True where what is filled in must be escaped, as in a page; a JSON body writes ``{{ subject|tojson }}``.
    public_url, receiver : str
        What the names of the same words are.

    Returns
    -------
    str
        Without control and direction characters, line ends aside.

    Raises
    ------
    TemplateBroken
        If it cannot be read, is wrong, takes more than 2 s or 256 MB, or makes more than 1,048,576 characters.
    """
    context = json.dumps(names(digest, public_url=public_url, receiver=receiver))
    made = _ask(template, f'{{"html": {json.dumps(html)}, "context": {context}}}')
    return "\n".join("".join(c for c in line if c == "\t" or not is_hidden(c)) for line in made.split("\n"))


def look_over(template: Path) -> None:
    """
    Read a template, and those that it includes, without filling them.

    Raises
    ------
    TemplateBroken
    """
    _ask(template, '{"html": false, "context": null}')


def one_line(words: str) -> str:
    """Return a subject as a header may hold it."""
    line = render.plain(words)
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1].rstrip()}…"


def names(digest: Digest, *, public_url: str = "", receiver: str = "") -> dict[str, Any]:
    """Return what a template can say, as plain data: texts on one line without hidden characters, months as ``2025-05``."""
    page = render.cleaned(digest)
    lines = [_line(line, place, public_url) for place, line in enumerate(page.lines)]
    return {
        "receiver": receiver,
        "kind": page.kind,
        "subject": page.subject,
        "title": page.title,
        "source": page.source,
        "dataset": page.dataset,
        "release": page.release,
        "published_at": page.published_at.isoformat(timespec="seconds") if page.published_at else "",
        "estimated": page.estimated,
        "sections": [
            {"name": part.value, "lines": [one for one in lines if one["part"] == part.value]} for part, _ in page.parts
        ],
        "lines": lines,
        "more": page.more,
        "still_open": page.still_open,
        "not_judged": page.not_judged,
        "chance": page.chance,
        "revised": list(page.revised),
        "notes": list(page.notes),
        "credit": page.credit,
        "public_url": public_url,
    }


def _line(line: Line, place: int, public_url: str) -> dict[str, Any]:
    return {
        "part": line.part.value,
        "text": line.text,
        "title": line.title,
        "figure": line.figure,
        "sentences": list(line.sentences),
        "outcome": line.outcome,
        "level": line.level.label,
        "month": format_month(line.month),
        "series": line.series,
        "value": line.value,
        "unit": line.unit,
        "table": [list(row) for row in line.table],
        "picture": picture_name(place) if line.chart is not None else "",
        "reasons": [_reason(reason, public_url) for reason in line.reasons],
    }


def _reason(reason: Reason, public_url: str) -> dict[str, Any]:
    return {
        "rule": reason.rule,
        "change": reason.change.value,
        "level": reason.level.label,
        "words": reason.words,
        "alert": reason.episode,
        "summary": reason.summary,
        "runbook": reason.runbook,
        "url": render.evidence_url(public_url, reason.episode),
        "command": render.evidence_command(reason.episode) if reason.episode else "",
    }


def picture_name(place: int) -> str:
    """Return how a page names the picture of its line at a place, for ``<img src="…">``."""
    return f"cid:chart-{place + 1}"


def _ask(template: Path, request: str) -> str:
    answer: Mapping[str, Any] = json.loads(_answer(str(template), json.dumps(_beside(template)), request))
    if "error" not in answer:
        return str(answer["text"])
    file = template.with_name(str(answer["file"])) if answer.get("file") else template
    raise TemplateBroken(render.plain(str(answer["error"])), file=str(file), line=int(answer.get("line", 0)))


def _beside(template: Path) -> dict[str, str]:
    """Return the texts of a template and of the files beside it that end as it does; nothing outside its folder."""
    found = {template.name: _read(template)}
    folder = template.parent.resolve()
    for path in sorted(template.parent.glob(f"*{template.suffix}") if template.suffix else ())[:MOST_FILES]:
        if path.name not in found and path.resolve().is_relative_to(folder):
            try:
                found[path.name] = _read(path)
            except TemplateBroken:
                continue  # one that includes it is told that it is not there
    return found


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            raise TemplateBroken("there is no such file", file=str(path))
        if path.stat().st_size > MOST_BYTES:
            raise TemplateBroken(f"has more than {MOST_BYTES:,} bytes", file=str(path))
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text in UTF-8"
        raise TemplateBroken(f"cannot be read: {reason}", file=str(path)) from None


@lru_cache(maxsize=16)
def _answer(name: str, files: str, request: str) -> str:
    """Return what the process answers; the same page for another address is not filled again."""
    whole = json.loads(request) | LIMITS | {"name": Path(name).name, "files": json.loads(files)}
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as answered:
        json.dump(whole, given)
        given.seek(0)
        code = _run(given, answered)
        answered.seek(0)
        answer = answered.read()
    if code == 0 and answer:
        return answer
    why = f"takes longer than {LIMITS['seconds']} s" if code in _TOO_LONG else f"could not be filled (exit code {code})"
    return json.dumps({"error": why})


def _run(given: Any, answered: Any) -> int:
    """Run the process to its end, without the environment and the folder of this one."""
    command = [sys.executable, "-I", "-B", "-X", "utf8", str(_CHILD)]
    try:
        done = subprocess.run(
            command, stdin=given, stdout=answered, stderr=subprocess.DEVNULL, env={}, cwd="/", timeout=PATIENCE_S,
            check=False, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL
    return done.returncode
