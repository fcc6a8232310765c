"""`monitor doctor` prints each finding with what to do, and fails where there is a trouble."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commands.conftest import Typist


def test_a_trouble_is_printed_with_what_to_do_and_fails(desk: Typist) -> None:
    result = desk.types("doctor")
    assert result.exit_code == 1
    assert "trouble, sources: gacc/magnets: November 2025 was due on 20 December 2025, 02:00 UTC" in result.stdout
    assert "\n    `monitor calendar` says how late it usually is\n" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("1 trouble, ")


def test_a_program_reads_the_same(desk: Typist) -> None:
    result = desk.types("doctor", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {"area", "sentence", "do", "grade"} == set(found[0])
    assert [one["grade"] for one in found].count("trouble") == 1


def test_a_new_desk_has_no_trouble(new_desk: Typist) -> None:
    assert "it has no database" in new_desk.reads("doctor")
