"""Nothing that is printed can steer a terminal, and a program gets JSON that it can read."""

from __future__ import annotations

import json
import math

from monitor.commands.terminal import desk_at, progress, say, show_json, show_table
from monitor.detection.fitting import current, silent

NASTY = "Bel\x1b[31mgium\x9b\u202e"


def test_a_table_shows_no_control_characters_and_stays_aligned(capsys):
    show_table(("partner", "t"), [(NASTY, "1"), ("中国", "12"), ("Chad", "123")], right=(1,))
    assert capsys.readouterr().out == "partner    t\nBelgium    1\n中国      12\nChad     123\n"


def test_lines_keep_their_indent_and_lose_what_steers(capsys):
    say(f"  usual    {NASTY}\n\n    46 t\n folded")
    assert capsys.readouterr().out == "  usual    Belgium\n\n    46 t\n folded\n"


def test_json_escapes_what_steers_and_has_null_for_what_is_not_known(capsys):
    show_json({"name": f"中国{NASTY}", "figures": (1.5, math.nan, math.inf)})
    out = capsys.readouterr().out
    assert "中国" in out
    assert not set(out) & set("\x1b\x9b\u202e")
    assert json.loads(out) == {"name": f"中国{NASTY}", "figures": [1.5, None, None]}


def test_there_is_no_progress_in_a_pipe(capsys):
    with progress("judging") as step:
        step("gacc 2025-10")
    assert capsys.readouterr() == ("", "")


def test_a_command_shows_that_models_are_fitted_and_a_service_does_not(shipped_magnets):
    for service, shown in ((False, progress), (True, silent)):
        with desk_at(shipped_magnets / "config", service=service):
            assert current().progress is shown
        assert current().progress is silent
