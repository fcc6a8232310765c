"""Two readers of one release read the same figures, each in their own way of writing; files for programs stay as they are."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from monitor import jobs
from monitor.alerts.messages import Digest
from monitor.app import App
from monitor.notify.render import text
from monitor.speech import PLAIN, Speech, speaking

RECEIVERS = """receivers:
  - {name: desk, kind: file, folder: var/plain}
  - {name: german, kind: file, folder: var/german, locale: de_DE, time_zone: Europe/Berlin}
  - {name: swiss, kind: file, folder: var/swiss, locale: fr_CH}
  - {name: terminal, kind: file, folder: var/terminal, locale: en_IN}
  - {name: operators, kind: file, folder: var/operators}
"""


@pytest.fixture(scope="module")
def told(held_magnets: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Digest]]:
    """Everything that a desk of four readers was told of the bundled magnets, by reader."""
    desk = Path(shutil.copytree(held_magnets, tmp_path_factory.mktemp("readers") / "desk"))
    (desk / "config" / "receivers.yaml").write_text(RECEIVERS)
    (desk / "config" / "monitor.yaml").write_text("digest: {full_lines: 2}\n")
    routes = desk / "config" / "routes.yaml"
    routes.write_text("operators: operators\nroutes: [{name: all, receivers: [desk, german, swiss, terminal]}]\n")
    app = App.open(desk / "config", {})
    found: dict[str, list[Digest]] = {}
    for judged in jobs.evaluate(app):
        for note in judged.evaluation.notifications:
            found.setdefault(note.receiver, []).append(note.digest)
    app.close()
    return found


def whole(digests: list[Digest]) -> str:
    return "\n".join(text(digest, width=10_000) for digest in digests)


def test_a_reader_gets_the_decimal_sign_the_grouping_and_the_zone_of_his_locale(told: dict[str, list[Digest]]) -> None:
    plain, german, swiss = (whole(told[name]) for name in ("desk", "german", "swiss"))
    assert re.search(r"\d,\d{3} t\b", plain)
    assert re.search(r"\d\.\d{3} t\b", german)
    assert "CEST" in german
    assert re.search(r"\d\u202f\d{3} t\b", swiss)
    assert not re.search(r"\d\.\d%|\d,\d{3} t\b|UTC", german)
    assert not re.search(r"\d\.\d%|\d,\d{3} t\b", swiss)


@pytest.mark.parametrize(("name", "point", "group"), [("german", ",", "."), ("swiss", ",", "\u202f"), ("terminal", ".", ",")])
def test_no_figure_of_a_page_changes_its_value(told: dict[str, list[Digest]], name: str, point: str, group: str) -> None:
    def figures(words: str, point: str, group: str) -> list[str]:
        said = re.sub(r"(Source:|[Ss]ee |Rules were|Release ).*", "", words)
        found = re.findall(rf"\d[\d{re.escape(point + group)}]*(?=(?:\s?%| t\b))", said)
        return [one.replace(group, "").replace(point, ".") for one in found]

    plain = figures(whole(told["desk"]), ".", ",")
    assert len(plain) > 40
    assert figures(whole(told[name]), point, group) == plain


def test_words_titles_and_machines_labels_are_the_same(told: dict[str, list[Digest]]) -> None:
    for plain, german in zip(told["desk"], told["german"], strict=True):
        assert [line.title for line in german.lines] == [line.title for line in plain.lines]
        assert [line.value for line in german.lines] == [line.value for line in plain.lines]
        assert [alert.labels for alert in german.alerts] == [alert.labels for alert in plain.alerts]
        assert (german.speech, plain.speech) == (Speech(locale="de_DE", time_zone="Europe/Berlin"), PLAIN)


def test_attached_tables_are_for_programs_and_alike(told: dict[str, list[Digest]]) -> None:
    def tables(name: str) -> list[str]:
        return [attachment.text for digest in told[name] for attachment in digest.attachments]

    assert tables("german") == tables("desk")
    assert tables("desk")


def test_what_others_put_behind_an_outcome_stays() -> None:
    from monitor.alerts.cells import Item
    from monitor.wording import say_number

    def make(outcome: str) -> Item:
        blank = {"episode": None, "change": None, "level": 0, "previous": 0, "facts": None, "direction": None}
        return Item(outcome=outcome, retold=lambda: make(f"{say_number(1234.5, 1)} t"), **blank)  # type: ignore[arg-type]

    with speaking(Speech(locale="de_DE")):
        assert make("1,234.5 t; silence over").anew().outcome == "1.234,5 t; silence over"
        assert make("other words").anew().outcome == "other words"
