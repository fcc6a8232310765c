"""References to secrets are filled in wherever a model has one, and nothing else is touched."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from monitor.errors import SecretMissing
from monitor.secrets import Secret, Vault, is_there
from monitor.yamlfile import parse


class Login(BaseModel):
    user: str
    password: SecretStr


class Mailer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    host: str = ""
    login: Login | None = None
    key: SecretStr | None = None
    headers: dict[str, SecretStr] = {}
    keys: tuple[SecretStr, ...] = ()
    note: str | SecretStr = ""


def filled(text: str, folder: Path, *, needed: bool = True, **environ: str) -> tuple[Any, Vault]:
    vault = Vault(environ=environ, folder=folder)
    return vault.fill(Mailer, parse(text, "mail.yaml"), (), needed=needed), vault


def test_a_reference_is_filled_in_at_every_depth(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("from file\n")
    text = "login: {user: me, password: {file: pw}}\nheaders: {X: {env: A}}\nkeys: [{env: A}, {env: B}]\nkey_file: pw\n"
    data, vault = filled(text, tmp_path, A="one", B="two")
    made = Mailer.model_validate(data)
    assert vault.mistakes == []
    assert made.login is not None
    assert made.login.password.get_secret_value() == "from file"
    assert made.headers["X"].get_secret_value() == "one"
    assert [key.get_secret_value() for key in made.keys] == ["one", "two"]
    assert made.key is not None
    assert made.key.get_secret_value() == "from file"
    assert vault.values == {"from file", "one", "two"}


def test_what_is_no_secret_is_left_alone(tmp_path: Path) -> None:
    data, vault = filled("host: {env: A}\nnote: plain\n", tmp_path, A="one")
    assert data == {"host": {"env": "A"}, "note": "plain"}
    assert (vault.mistakes, vault.values) == ([], set())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("key: plain", 'mail.yaml:1:6: a secret stands here in plain text for "key"'),
        ("key: 1234", 'mail.yaml:1:6: a secret stands here in plain text for "key"'),
        ("headers: {X: plain}", 'mail.yaml:1:14: a secret stands here in plain text for "X"'),
        ("key: {}", "mail.yaml:1:6: write either {env: NAME} or {file: path}"),
        ("key: {env: A, file: b}", "mail.yaml:1:6: write either {env: NAME} or {file: path}"),
        ("key: {env: A}\nkey_file: full", 'mail.yaml:2:11: "key" and "key_file" both stand here'),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "full").write_text("x")
    _, vault = filled(text, tmp_path, A="one")
    assert [str(mistake)[: len(said)] for mistake in vault.mistakes] == [said]
    assert vault.lacking == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("key: {env: NONE}", 'mail.yaml:1:12: the environment variable "NONE" is not set'),
        ("key: {env: EMPTY}", 'mail.yaml:1:12: the environment variable "EMPTY" is not set'),
        ("key_file: nowhere", 'mail.yaml:1:11: the file "nowhere", which holds a secret, cannot be read'),
        ("key_file: empty", 'mail.yaml:1:11: the file "empty", which holds a secret, is empty'),
        ("key_file: binary", 'mail.yaml:1:11: the file "binary", which holds a secret, cannot be read: not text'),
    ],
)
def test_a_secret_that_is_not_there_is_told_when_it_is_asked_for(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    data, vault = filled(text, tmp_path, EMPTY="")
    made = Mailer.model_validate(data)
    assert vault.mistakes == []
    assert [str(mistake)[: len(said)] for mistake in vault.lacking] == [said]
    assert made.key is not None
    assert not is_there(made.key)
    with pytest.raises(SecretMissing) as caught:
        made.key.get_secret_value()
    assert list(caught.value.mistakes) == vault.lacking


def test_a_secret_of_an_entry_that_is_off_may_be_absent_but_not_written_out(tmp_path: Path) -> None:
    data, vault = filled("key: {env: NONE}\nkeys: [plain]\n", tmp_path, needed=False)
    assert not is_there(data["key"])
    assert (vault.lacking, len(vault.mistakes)) == ([], 1)
    assert "plain text" in str(vault.mistakes[0])


def test_no_way_of_printing_shows_a_secret() -> None:
    secret = Secret("hunter2")
    made = Mailer(key=secret)
    shown = [f"{secret}", repr(secret), str(made), repr(made), f"{secret!r:>40}", str(made.model_dump()), made.model_dump_json()]
    assert not [text for text in shown if "hunter2" in text]
    assert str(secret) == "<secret>"
    assert pickle.loads(pickle.dumps(secret)) == secret


def test_what_the_environment_does_not_hold_is_looked_for_in_the_folder_of_secrets(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "A").write_text("from the folder\n")
    (folder / "B").write_text("not looked at")
    vault = Vault(environ={"B": "from the environment", "A": ""}, folder=tmp_path, directory=folder)
    data = vault.fill(Mailer, parse("keys: [{env: A}, {env: B}]", "mail.yaml"), ())
    assert [key.get_secret_value() for key in data["keys"]] == ["from the folder", "from the environment"]
    assert vault.values == {"from the folder", "from the environment"}, "both are masked in every log"
    assert repr(data["keys"]) == "[Secret('<secret>'), Secret('<secret>')]"


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", ".hidden", "A/../../outside", ""])
def test_a_name_leads_to_nothing_outside_the_folder_of_secrets(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (tmp_path / "outside").write_text("secret of another")
    (folder / ".hidden").write_text("secret of another")
    vault = Vault(environ={}, folder=tmp_path, directory=folder)
    vault.fill(Mailer, parse(f"key: {{env: '{name}'}}", "mail.yaml"), ())
    assert vault.values == set()
    assert [mistake.sentence for mistake in vault.lacking] == [
        f'the environment variable "{name}" is not set and {folder} has no file of that name; it holds the secret "key"'
    ]


def test_an_empty_or_broken_file_of_the_folder_is_said_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "A").write_text("")
    (tmp_path / "B").write_bytes(b"\xff\xfe")
    vault = Vault(environ={}, folder=tmp_path, directory=tmp_path)
    vault.fill(Mailer, parse("keys: [{env: A}, {env: B}]", "mail.yaml"), ())
    assert [mistake.sentence for mistake in vault.lacking] == [
        f'the file "{tmp_path / "A"}", which holds a secret, is empty',
        f'the file "{tmp_path / "B"}", which holds a secret, cannot be read: not text',
    ]
