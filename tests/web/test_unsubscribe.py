"""The link in a mail: a POST acts and nothing else does, whoever asks and however badly."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.errors import StoreError
from monitor.notify.links import Links, Subscriber
from monitor.vitals import Vitals
from monitor.web import health
from monitor.web.health import HealthServer
from monitor.web.unsubscribe import Unsubscribe, fields, masked

ANN: Subscriber = ("buyers", "ann@example.com")
LINKS = Links("a key that only this desk has")
TOKEN = LINKS.token(ANN)
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class People:
    """A desk's subscribers."""

    def __init__(self) -> None:
        self.left: set[Subscriber] = set()
        self.broken = False

    def find(self, token: str) -> Subscriber | None:
        if self.broken:
            raise StoreError("the database is locked")
        return LINKS.find(token, [("buyers", "bob@example.com"), ANN])

    def gone(self, subscriber: Subscriber) -> bool:
        return subscriber in self.left

    def leave(self, subscriber: Subscriber) -> bool:
        self.left.add(subscriber)
        return True

    def back(self, subscriber: Subscriber) -> bool:
        self.left.discard(subscriber)
        return True


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def url(people: People) -> Iterator[str]:
    with HealthServer(Vitals(), dict, unsubscribe=Unsubscribe(people)) as server:
        yield server.url


def get(url: str, path: str) -> httpx.Response:
    return httpx.get(url + path, trust_env=False)


def post(url: str, path: str, **said: object) -> httpx.Response:
    return httpx.post(url + path, trust_env=False, **said)  # type: ignore[arg-type]


def test_whoever_opens_the_link_changes_nothing_and_sees_a_button(url: str, people: People) -> None:
    for asked in (get(url, f"/u/{TOKEN}"), httpx.head(f"{url}/u/{TOKEN}", trust_env=False)):
        assert asked.status_code == 200
    page = get(url, f"/u/{TOKEN}")
    assert '<form method="post"><button name="do" value="unsubscribe">' in page.text
    assert "a…@example.com" in page.text
    assert "ann@" not in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert people.left == set()


@pytest.mark.parametrize(
    "form",
    [
        {"data": ONE_CLICK},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"data": {"do": "unsubscribe"}},
    ],
)
def test_one_click_unsubscribes_at_once_in_either_form_and_twice_is_once(
    url: str, people: People, form: dict[str, object]
) -> None:
    for _ in range(2):
        answer = post(url, f"/u/{TOKEN}", **form)
        assert answer.status_code == 200
        assert "gets no more mails" in answer.text
        assert people.left == {ANN}


def test_the_same_page_subscribes_again(url: str, people: People) -> None:
    people.left.add(ANN)
    assert "Subscribe again" in get(url, f"/u/{TOKEN}").text
    assert "Unsubscribe" in post(url, f"/u/{TOKEN}", data={"do": "subscribe"}).text
    assert people.left == set()


def test_a_prefix_that_a_proxy_leaves_on_is_no_hindrance(url: str, people: People) -> None:
    assert post(url, f"/monitor/u/{TOKEN}?from=mail", data=ONE_CLICK).status_code == 200
    assert people.left == {ANN}


FORGED = [TOKEN[:-1], TOKEN[:-1] + ("A" if TOKEN[-1] != "A" else "E"), TOKEN + "A", "A" * 43, "", "%00", "ü" * 43]


@pytest.mark.parametrize("token", [*FORGED, Links("the key of another desk").token(ANN), LINKS.token(("other", ANN[1]))])
def test_a_wrong_token_is_answered_alike_whatever_is_wrong(url: str, people: People, token: str) -> None:
    answers = [get(url, f"/u/{token}"), post(url, f"/u/{token}", data=ONE_CLICK)]
    assert {(one.status_code, one.text) for one in answers} == {(404, "there is no such page\n")}
    assert people.left == set()


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", 400), (b"List-Unsubscribe=Two-Clicks", 400), (b"&" * 4096, 400), (b"\xff\x00" * 100, 400), (b"x" * 4097, 413)],
)
def test_a_form_that_asks_for_nothing_does_nothing(url: str, people: People, content: bytes, code: int) -> None:
    assert post(url, f"/u/{TOKEN}", content=content).status_code == code
    assert people.left == set()


def raw(url: str, head: str) -> bytes:
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port or 0), timeout=5) as line:
        line.sendall(head.encode())
        return line.recv(200)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", b"411"),
        ("Content-Length: -1", b"411"),
        ("Content-Length: ²", b"411"),
        ("Content-Length: 99999999999999999999", b"413"),
    ],
)
def test_a_length_that_is_none_is_refused_before_anything_is_read(url: str, header: str, code: bytes) -> None:
    assert code in raw(url, f"POST /u/{TOKEN} HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n")


def test_a_caller_who_writes_slowly_is_cut_off_and_unsubscribes_nobody(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LONGEST_S", 0.4)
    with HealthServer(Vitals(), dict, unsubscribe=Unsubscribe(people)) as server:
        where = urlsplit(server.url)
        with socket.create_connection((where.hostname, where.port or 0), timeout=5) as line:
            line.sendall(f"POST /u/{TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList-Unsubscribe=".encode())
            began = time.monotonic()
            assert line.recv(100) == b""
        assert time.monotonic() - began < 3
        assert get(server.url, f"/u/{TOKEN}").status_code == 200
    assert people.left == set()


def test_more_slow_callers_than_are_answered_do_not_keep_others_out_for_long(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LONGEST_S", 0.3)
    monkeypatch.setattr(health, "MOST_AT_ONCE", 2)
    with HealthServer(Vitals(), dict, unsubscribe=Unsubscribe(people)) as server:
        where = urlsplit(server.url)
        lines = [socket.create_connection((where.hostname, where.port or 0)) for _ in range(3)]
        assert get(server.url, f"/u/{TOKEN}").status_code == 200
        for line in lines:
            line.close()


def test_a_desk_that_cannot_answer_asks_to_come_back_and_says_no_more(url: str, people: People) -> None:
    people.broken = True
    answer = post(url, f"/u/{TOKEN}", data=ONE_CLICK)
    assert (answer.status_code, answer.text) == (503, "not possible at the moment; please try again later\n")


def test_callers_who_hang_up_leave_no_line_and_a_fault_one(
    people: People, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with HealthServer(Vitals(), dict, unsubscribe=Unsubscribe(people)) as server:
        monkeypatch.setattr(people, "gone", lambda subscriber: 1 / 0)
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{server.url}/u/{TOKEN}", trust_env=False)
        monkeypatch.setattr(health._Handler, "_reply", lambda *words: (_ for _ in ()).throw(BrokenPipeError()))
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{server.url}/healthz", trust_env=False)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == ["health page failed"]
    assert capfd.readouterr().err == ""


def test_a_crowd_at_once_is_answered_and_unsubscribes_once(url: str, people: People) -> None:
    place = urlsplit(url)
    asked = f"POST /u/{TOKEN} HTTP/1.1\r\nContent-Length: 26\r\n\r\nList-Unsubscribe=One-Click".encode()
    callers = [socket.create_connection((str(place.hostname), place.port or 0), 20) for _ in range(150)]
    for caller in callers:
        caller.sendall(asked)
    answers = {caller.recv(15) for caller in callers}
    for caller in callers:
        caller.close()
    assert answers == {b"HTTP/1.0 200 OK"}
    assert people.left == {ANN}


def test_the_other_pages_are_still_read_only(url: str) -> None:
    assert post(url, "/healthz", data=ONE_CLICK).status_code == 405


def test_an_address_on_the_page_is_known_to_its_owner_only() -> None:
    assert masked("ann@example.com") == "a…@example.com"


@given(st.text(), st.binary(max_size=300))
@example("boundary=X", b"--X\r\nContent-Disposition: form-data; name*\r\n\r\nx\r\n--X--")
def test_any_bytes_are_a_form_that_asks_for_something_or_for_nothing(media_type: str, body: bytes) -> None:
    assert all(isinstance(name, str) and isinstance(value, str) for name, value in fields(media_type, body))
    assert fields(f"multipart/form-data; {media_type}", body) is not None
