"""
The process that fills one template of a user: it gets all it needs on its standard input, and can reach nothing else.

A fresh interpreter runs this file alone (``python -I sandbox.py``). Once Jinja is loaded it gives up what it could use
otherwise: it opens no further file or socket, starts no process, and has so much memory and so many seconds as the request
says, of work and of waiting; the kernel ends it where it takes more. Then it reads the template, as a sandboxed one besides.
"""

from __future__ import annotations

import html
import json
import pprint
import random
import resource
import signal
import sys
import textwrap
from types import TracebackType
from typing import Any

import jinja2.constants
import jinja2.debug
from jinja2 import DictLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError, meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

Request = dict[str, Any]
"""``files`` by name, the ``name`` of one, ``html``, ``context`` (null: only read it), and the limits.

The limits are ``memory`` in bytes, ``seconds``, and ``characters`` of what a template makes.
"""

_WIDEST = 12  # bytes that a character of the answer may take
_LOADED = (html, pprint, random, textwrap, jinja2.constants, jinja2.debug)  # what Jinja's filters load once they are used
_EVERYTHING = "{% macro m(x) %}{{ x|upper|tojson }}{% endmacro %}{% for x in [1] %}{{ m(loop.index)|e ~ 'a' }}{% endfor %}"
_REFUSED = ("open", "socket.", "os.", "subprocess.", "import", "ctypes.", "shutil.", "signal.", "pty.", "fcntl.", "mmap.")


def main() -> None:
    """Answer the request on standard input with one JSON object on standard output."""
    request: Request = json.load(sys.stdin)
    ImmutableSandboxedEnvironment(autoescape=True).from_string(_EVERYTHING).render()  # loads what is loaded late
    _give_up_everything(request)
    answer: dict[str, Any]
    try:
        answer = _checked(request) if request["context"] is None else {"text": _filled(request)}
    except TemplateSyntaxError as error:
        answer = {"error": error.message or "cannot be read", "file": error.name or "", "line": error.lineno}
    except SecurityError as error:
        answer = {"error": f"reaches for what a template may not have: {error}", "line": _line_of(error)}
    except TemplateNotFound as error:
        answer = {"error": f'includes "{error.name}", which is not a template beside it', "line": _line_of(error)}
    except TemplateError as error:
        answer = {"error": error.message or type(error).__name__, "line": _line_of(error)}
    except MemoryError:
        answer = {"error": f"needs more than {request['memory'] // 2**20} MB", "line": 0}
    except RecursionError:
        answer = {"error": "is nested too deeply", "line": 0}
    except Exception as error:  # whatever a template brings about is a fault of the template, and is told in a sentence
        answer = {"error": f"{type(error).__name__}: {error}"[:300], "line": _line_of(error)}
    json.dump(answer, sys.stdout)


def _environment(request: Request) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=DictLoader(request["files"]), autoescape=request["html"], undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


def _filled(request: Request) -> str:
    found, length = [], 0
    for piece in _environment(request).get_template(request["name"]).generate(request["context"]):
        found.append(piece)
        length += len(piece)
        if length > request["characters"]:
            raise TemplateError(f"makes more than {request['characters']:,} characters")
    return "".join(found)


def _checked(request: Request) -> dict[str, str]:
    """Read a template and those that it includes, without filling them."""
    environment, todo, seen = _environment(request), [request["name"]], set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in request["files"]:
            raise TemplateNotFound(name)
        environment.compile(request["files"][name], name)
        tree = environment.parse(request["files"][name], name)
        todo += [found for found in meta.find_referenced_templates(tree) if found is not None]
    return {"text": ""}


def _line_of(error: BaseException) -> int:
    """Return the line of the template in which an error came up, 0 where that is not known."""
    line = 0
    at: TracebackType | None = error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == "<template>":
            line = at.tb_lineno
        at = at.tb_next
    return line


def _give_up_everything(request: Request) -> None:
    seconds = request["seconds"]
    signal.setitimer(signal.ITIMER_REAL, seconds)  # nobody handles it: it ends the process, whatever the process does
    for limit, most in (
        (resource.RLIMIT_AS, request["memory"]),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, request["characters"] * _WIDEST),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: object) -> None:
    if event.startswith(_REFUSED):
        raise PermissionError(f"a template may not use {event}")


if __name__ == "__main__":
    main()
