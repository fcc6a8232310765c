"""A user's template is filled with the words of a page, and whatever it tries it gets nothing else and keeps nobody waiting."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from monitor.alerts.messages import Digest
from monitor.errors import TemplateBroken
from monitor.notify.templates import filled, look_over, names, one_line

PASSWORDS = "/etc/passwd"


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Write a template; return its path."""

    def write(text: str, name: str = "page.txt") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def broken(template: Path, digest: Digest) -> str:
    """Fill a template that must not work; return why."""
    with pytest.raises(TemplateBroken) as caught:
        filled(template, digest)
    return str(caught.value).removeprefix(str(template.parent) + "/")


def test_a_template_is_filled_with_the_words_of_the_page(written: Any, digest: Digest) -> None:
    page = "{% for s in sections %}{{ s.name }}: {% for l in s.lines %}{{ l.figure }} ({{ l.level }}); {% endfor %}{% endfor %}"
    assert filled(written(page), digest) == (
        "worse: 1,238 t in May 2025 (critical); new: 46 t in May 2025 (critical); 209 t in May 2025 (critical); "
    )


def test_it_may_include_what_stands_beside_it_and_ends_alike(written: Any, digest: Digest) -> None:
    written("Regards, {{ source }}\n", "foot.txt")
    assert filled(written("{{ title }}\n{% include 'foot.txt' %}"), digest) == "China magnets, May 2025\nRegards, gacc\n"


def test_what_is_filled_into_a_page_is_escaped_and_hidden_characters_are_gone(written: Any, hostile: Digest) -> None:
    page = filled(written("<h1>{{ title }}</h1>{{ lines[0].title }}", "page.html"), hostile, html=True)
    assert "<b onclick" not in page
    assert "&lt;b onclick" in page
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", page)
    assert "7*7" in page, "what a source wrote is no template"


def test_a_body_is_json_whatever_a_source_wrote(written: Any, hostile: Digest) -> None:
    body = filled(written('{"text": {{ title|tojson }}, "lines": {{ lines|tojson }}}', "body.json"), hostile)
    assert json.loads(body)["lines"][0]["title"] == names(hostile)["lines"][0]["title"]


ATTACKS = {
    "a loop without end": (
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "takes longer than 2 s",
    ),
    "a text without end": ("{{ 'x' * 10**10 }}", "needs more than 256 MB"),
    "a text that doubles": (
        "{% set n = namespace(x='x' * 999) %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "needs more than 256 MB",
    ),
    "a padded number": ("{{ '%999999999d' % 1 }}", "needs more than 256 MB"),
    "a range bomb": ("{{ range(10**9)|list }}", "Range too big"),
    "a list of lists": ("{{ [[0] * 10**9] }}", "needs more than 256 MB"),
    "too much text": ("{% for i in range(99999) %}{{ 'x' * 99 }}{% endfor %}", "makes more than 1,048,576 characters"),
    "a macro that calls itself": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "is nested too deeply"),
    "brackets without end": ("{{ " + "(" * 9000 + "1" + ")" * 9000 + " }}", "is nested too deeply"),
    "the classes of a text": ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "reaches for what a template may not have"),
    "the globals of a function": ("{{ lipsum.__globals__['os'].fork() }}", "reaches for what a template may not have"),
    "the globals of a class": ("{{ cycler.__init__.__globals__.os.fork() }}", "reaches for what a template may not have"),
    "an attribute by a filter": ("{{ title|attr('__class__') }}", "reaches for what a template may not have"),
    "a format that reads attributes": ("{{ '{0.__class__}'.format(title) }}", "reaches for what a template may not have"),
    "the frame of a generator": ("{{ (title|map('upper')).gi_frame.f_globals }}", "reaches for what a template may not have"),
    "the environment of Jinja": ("{{ self._TemplateReference__context.environment }}", "reaches for what"),
    "a file by its path": (f"{{% include '{PASSWORDS}' %}}", f'includes "{PASSWORDS}", which is not a template beside it'),
    "a file above": ("{% include '../above.txt' %}", 'includes "../above.txt", which is not a template beside it'),
    "a file that is imported": (f"{{% import '{PASSWORDS}' as p %}}{{{{ p }}}}", "which is not a template beside it"),
    "a change of what it is given": ("{{ lines.append(1) }}", "reaches for what a template may not have"),
    "a name that is not there": ("one\ntwo {{ nothing }}", "page.txt:2: 'nothing' is undefined"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_template_gets_nothing_and_ends_in_time(attack: str, written: Any, digest: Digest, tmp_path: Path) -> None:
    source, said = ATTACKS[attack]
    (tmp_path.parent / "above.txt").write_text("above")
    begin = time.monotonic()
    assert said in broken(written(source), digest)
    assert time.monotonic() - begin < 15


def test_a_link_out_of_its_folder_is_not_followed(written: Any, digest: Digest, tmp_path: Path) -> None:
    (tmp_path / "out.txt").symlink_to(PASSWORDS)
    assert broken(written("{% include 'out.txt' %}"), digest) == (
        'page.txt:1: includes "out.txt", which is not a template beside it'
    )


def test_it_sees_neither_the_environment_nor_the_program(written: Any, digest: Digest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "hunter2-of-the-desk")
    page = filled(
        written("{% for name in ('lines', 'config', 'request', 'os', 'environ') %}{{ name in self|string }}{% endfor %}"), digest
    )
    assert "True" not in page
    for name in ("os", "environ", "config", "request", "open"):
        assert f"'{name}' is undefined" in broken(written(f"{{{{ {name} }}}}"), digest)


def test_a_process_that_breaks_out_still_opens_nothing(digest: Digest, tmp_path: Path) -> None:
    """The kernel and the interpreter refuse what the language would no longer: run the child's own giving up, then try."""
    import subprocess
    import sys

    from monitor.notify import templates

    child = templates._CHILD
    code = (
        f"import runpy, socket, os, subprocess; m = runpy.run_path({str(child)!r}); "
        "m['_give_up_everything']({'memory': 2**28, 'seconds': 2, 'characters': 10})\n"
        "for act in (lambda: open('/etc/passwd'), socket.socket, lambda: subprocess.run(['true']), os.fork, os.pipe,"
        " lambda: os.listdir('/'), lambda: __import__('http.server')):\n"
        "    try:\n        act(); print('got through')\n    except Exception as error:\n        print(type(error).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= {"PermissionError", "OSError", "BlockingIOError"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\n{% if x %}", "page.txt:2: Unexpected end of template"),
        ("one\ntwo\n{{ x | nosuch }}", "page.txt:3: No filter named 'nosuch'"),
        ("{% include 'foot.txt' %}", "foot.txt:2: unexpected '}'"),
        ("{% include 'gone.txt' %}", 'page.txt: includes "gone.txt", which is not a template beside it'),
    ],
)
def test_what_is_wrong_with_a_template_is_found_without_filling_it(text: str, said: str, written: Any) -> None:
    written("one\n{{ x }\n", "foot.txt")
    with pytest.raises(TemplateBroken) as caught:
        look_over(written(text))
    assert str(caught.value).removeprefix(str(caught.value.file).rpartition("/")[0] + "/").startswith(said)


def test_a_template_that_cannot_be_read_is_said(written: Any, digest: Digest, tmp_path: Path) -> None:
    assert broken(tmp_path / "gone.txt", digest) == "gone.txt: there is no such file"
    assert broken(tmp_path, digest).endswith("there is no such file")
    assert broken(written("x" * 300_000), digest) == "page.txt: has more than 262,144 bytes"
    (tmp_path / "latin.txt").write_bytes(b"\xff\xfe\xfa")
    assert broken(tmp_path / "latin.txt", digest) == "latin.txt: cannot be read: is not text in UTF-8"


def test_a_subject_is_one_line_of_so_many_characters() -> None:
    assert one_line("a\r\nBcc: all@example.com\x1b[31m") == "a Bcc: all@example.com"
    assert len(one_line("word " * 100)) <= 200


def test_the_manual_lists_every_name_of_a_template_and_no_other(digest: Digest, repository: Path) -> None:
    page = (repository / "docs" / "templates.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z_.\[\]]+)` \|", page, re.M))
    with_table = dataclasses.replace(digest, revised=("one",))
    assert listed == set(_paths(names(with_table)))


def _paths(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for key, one in value.items() for found in [f"{path}{key}", *_paths(one, f"{path}{key}.")]]
    if isinstance(value, list) and value and isinstance(value[0], dict) and "sections" not in path:
        return _paths(value[0], f"{path.rstrip('.')}[].")
    return ["sections[].name", "sections[].lines"] if isinstance(value, list) and path == "sections." else []
