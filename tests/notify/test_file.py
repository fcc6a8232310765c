from __future__ import annotations

import dataclasses
import email
import email.policy
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import standardwebhooks
from pydantic import ValidationError

from monitor.alerts.messages import Digest, Notification
from monitor.alerts.records import dump
from monitor.errors import DeliveryDelayed
from monitor.notify.base import Message
from monitor.notify.file import File, file_stem
from monitor.sources.http import Client

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STEM = "2025-06-20_gacc-2025-05_buyers_0b7e2f44"


@pytest.fixture
def make(client: Client, tmp_path: Path) -> Callable[..., File]:
    def build(**parameters: object) -> File:
        settings = File.Parameters.model_validate({"folder": str(tmp_path / "out"), **parameters})
        return File("desk", settings, client=client, clock=lambda: datetime.now(UTC))

    return build


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_message_becomes_a_mail_and_a_call_under_names_that_say_what_they_are(
    make: Callable[..., File], message: Message, tmp_path: Path
) -> None:
    receipt = make().send(message)
    assert names(tmp_path / "out") == [f"{STEM}.eml", f"{STEM}.json"]
    assert receipt.answer == f"wrote {STEM}.eml, {STEM}.json"
    mail = email.message_from_bytes((tmp_path / "out" / f"{STEM}.eml").read_bytes(), policy=email.policy.default)
    assert mail["Subject"] == message.digest.subject
    assert sum(part.get_content_type() == "image/png" for part in mail.walk()) == 3


def test_a_call_is_kept_with_its_headers_and_can_be_verified(make: Callable[..., File], message: Message, tmp_path: Path) -> None:
    make(**{"as": ["webhook"], "secret": SECRET}).send(message)
    call = json.loads((tmp_path / "out" / f"{STEM}.json").read_text())
    raw = json.dumps(call["body"], ensure_ascii=False, separators=(",", ":"))
    assert standardwebhooks.Webhook(SECRET).verify(raw, call["headers"])["receiver"] == "buyers"


def test_a_second_attempt_overwrites_the_same_files(make: Callable[..., File], message: Message, tmp_path: Path) -> None:
    desk = make(**{"as": ["text", "email", "text"]})
    desk.send(message)
    first = (tmp_path / "out" / f"{STEM}.eml").read_bytes()
    desk.send(message)
    assert names(tmp_path / "out") == [f"{STEM}.eml", f"{STEM}.txt"]
    assert (tmp_path / "out" / f"{STEM}.eml").read_bytes() == first


def test_a_digest_that_changes_no_alert_writes_no_call(make: Callable[..., File], message: Message, tmp_path: Path) -> None:
    quiet = dataclasses.replace(message, digest=Digest(subject="Quiet", title="Quiet", release="gacc-2025-06"))
    make().send(quiet)
    assert [Path(name).suffix for name in names(tmp_path / "out")] == [".eml"]


def test_names_from_outside_never_leave_the_folder(
    make: Callable[..., File], message: Message, hostile: Digest, tmp_path: Path
) -> None:
    make().send(dataclasses.replace(message, digest=hostile, receiver="../../up#a@b.c", id="../../id"))
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != tmp_path / "out"] == []
    assert len(names(tmp_path / "out")) == 2
    assert len(file_stem(dataclasses.replace(message, receiver="r" * 500))) < 200


def test_a_folder_that_cannot_be_written_delays(make: Callable[..., File], message: Message, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file stands in the way")
    with pytest.raises(DeliveryDelayed, match=r"desk: .*\.eml cannot be written: "):
        make().send(message)


FULL_DISK = """
import resource, sys
from datetime import UTC, datetime
from monitor.alerts.messages import Notification
from monitor.alerts.records import load
from monitor.errors import DeliveryDelayed
from monitor.notify.file import File
from monitor.notify.worker import message_of
message = message_of(load(Notification, sys.stdin.read()))
desk = File("desk", File.Parameters(folder=sys.argv[1], forms=("text",)), client=None, clock=lambda: datetime.now(UTC))
desk.send(message)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    desk.send(message)
except DeliveryDelayed as error:
    print(error)
"""


def test_a_disk_that_fills_up_keeps_the_last_good_file(message: Message, tmp_path: Path, repository: Path) -> None:
    note = Notification(
        id=message.id,
        receiver="buyers",
        route="buyers",
        thread="t",
        cause="c",
        created_at=message.created_at,
        digest=message.digest,
    )
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        input=dump(note),
        text=True,
        capture_output=True,
        check=True,
        cwd=repository,
    )
    assert "cannot be written: File too large" in run.stdout
    assert names(tmp_path) == [f"{STEM}.txt"], "no half file is left"
    assert "46 t in May 2025" in (tmp_path / f"{STEM}.txt").read_text()


def test_show_names_the_files_and_writes_none(make: Callable[..., File], message: Message, tmp_path: Path) -> None:
    assert list(make().show(message)["files"]) == [f"{STEM}.eml", f"{STEM}.json"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("parameters", [{"as": []}, {"as": ["fax"]}, {"secret": "x"}, {"folder": 3}, {"path": "x"}])
def test_settings_that_cannot_work_are_refused(make: Callable[..., File], parameters: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        make(**parameters)
