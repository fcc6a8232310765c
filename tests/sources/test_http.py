from __future__ import annotations

import gzip
import logging
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import SourceError, SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.sources.guard import Guard
from monitor.sources.http import Client, HttpSettings
from monitor.sources.masking import MASK, masked
from monitor.sources.pace import read_retry_after

KEY = "k3y-nobody-may-read"
LOCAL = HttpSettings(allow_hosts=("127.0.0.1",), per_host_per_minute=60_000, attempts=3, connect_s=2, read_s=1, total_s=5)


@dataclass
class Server:
    """A raw server: each answer is bytes or a function of the open connection; the last one repeats."""

    url: str
    requests: list[str] = field(default_factory=list)

    @property
    def calls(self) -> int:
        return len(self.requests)


Script = bytes | Callable[[socket.socket], None]


@contextmanager
def serving(*script: Script, wrap: Callable[[socket.socket], socket.socket] = lambda s: s) -> Iterator[Server]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def one(connection: socket.socket) -> None:
        try:
            with wrap(connection) as stream:
                request = stream.recv(65_536)
                while request and b"\r\n\r\n" not in request:
                    request += stream.recv(65_536)
                server.requests.append(request.decode("latin-1"))
                answer = script[min(server.calls, len(script)) - 1]
                answer(stream) if callable(answer) else stream.sendall(answer)
        except OSError:
            return

    def loop() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def reply(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    given = {"Content-Length": str(len(body)), "Connection": "close"} | {k.replace("_", "-"): v for k, v in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(waits: list[float]) -> Iterator[Client]:
    with Client(LOCAL, sleep=waits.append) as made:
        yield made


def test_an_answer_comes_with_its_status_and_body(client: Client) -> None:
    with serving(reply(b"[1]", Content_Type="application/json")) as server:
        answer = client.get(server.url, params={"time": "2025-07"}, accept=("application/json",))
    assert (answer.status, answer.body) == (200, b"[1]")
    assert server.requests[0].startswith("GET /?time=2025-07 ")


def test_an_injected_transport_may_answer_with_a_whole_body() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=b"whole", headers={"X-Asked": request.url.host}))
    with Client(LOCAL, transport=transport) as client:
        answer = client.get("https://statistics.example/")
        assert (answer.body, answer.headers["x-asked"]) == (b"whole", "statistics.example")
        assert client.post("https://statistics.example/", body=b"{}").body == b"whole"


def test_only_gzip_is_asked_for_and_it_is_unpacked_across_members(client: Client) -> None:
    packed = gzip.compress(b"one,") + gzip.compress(b"two" * 100_000)
    with serving(reply(packed, Content_Encoding="gzip")) as server:
        assert client.get(server.url).body == b"one," + b"two" * 100_000
    assert "accept-encoding: gzip\r\n" in server.requests[0].lower()


def test_an_encoding_that_was_not_asked_for_is_refused(client: Client) -> None:
    with serving(reply(b"x", Content_Encoding="br")) as server, pytest.raises(SourceFormatChanged, match='encoding "br"'):
        client.get(server.url)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Oops", "502 Bad Gateway", "503 Out", "504 Late"])
def test_a_passing_fault_is_tried_again(client: Client, waits: list[float], status: str) -> None:
    with serving(reply(status=status), reply(b"ok")) as server:
        assert client.get(server.url).body == b"ok"
    assert server.calls == 2
    assert len(waits) == 1


def test_a_refusal_that_the_caller_knows_to_pass_is_tried_again(client: Client) -> None:
    with serving(reply(b"Ip Forbidden", "403 Forbidden"), reply(b"ok")) as server:
        assert client.get(server.url, passing=(403,)).body == b"ok"
    with serving(reply(b"Ip Forbidden", "403 Forbidden")) as server, pytest.raises(SourceUnavailable, match="answered 403"):
        client.get(server.url, passing=(403,))
    assert server.calls == 3


def test_attempts_are_capped_and_the_last_error_is_told(client: Client, waits: list[float]) -> None:
    with (
        serving(reply(b"try later", "502 Bad Gateway", Content_Type="text/plain")) as server,
        pytest.raises(SourceUnavailable, match="answered 502: try later"),
    ):
        client.get(server.url)
    assert server.calls == 3
    assert len(waits) == 2
    assert 1.0 <= waits[0] <= 1.5


def test_retry_after_is_honoured(client: Client, waits: list[float]) -> None:
    with serving(reply(status="429 Slow down", Retry_After="2"), reply(b"ok")) as server:
        assert client.get(server.url).body == b"ok"
    assert 2.0 <= waits[0] <= 2.5


def test_a_wait_beyond_the_time_for_the_call_is_left_to_the_caller(client: Client, waits: list[float]) -> None:
    with serving(reply(status="429 Slow down", Retry_After="3600")) as server, pytest.raises(SourceThrottled) as caught:
        client.get(server.url)
    assert (caught.value.retry_after, server.calls, waits) == (3600.0, 1, [])


@given(st.text(max_size=40))
def test_no_retry_after_header_breaks_the_reader(text: str) -> None:
    seconds = read_retry_after(text, datetime(2025, 9, 4, tzinfo=UTC))
    assert seconds is None or 0 <= seconds <= 86_400


def test_retry_after_may_be_a_date() -> None:
    now = datetime(2025, 9, 4, 12, 29, 30, tzinfo=UTC)
    assert read_retry_after("Thu, 04 Sep 2025 12:30:00 GMT", now) == 30.0
    assert read_retry_after("Wed, 03 Sep 2025 12:30:00 GMT", now) == 0.0
    assert read_retry_after("999999999", now) == 86_400.0


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("401 Unauthorized", SourceRefused),
        ("403 Forbidden", SourceRefused),
        ("400 Bad Request", SourceFormatChanged),
        ("404 Not Found", SourceUnavailable),
        ("410 Gone", SourceUnavailable),
        ("501 Not Implemented", SourceUnavailable),
    ],
)
def test_a_lasting_fault_is_told_at_once(client: Client, status: str, error: type[SourceError]) -> None:
    body = b"error: unknown variable 'X'"
    with (
        serving(reply(body, status, Content_Type="text/plain")) as server,
        pytest.raises(error, match=r"answered \d+: error: unknown variable 'X'"),
    ):
        client.get(server.url)
    assert server.calls == 1


def test_an_error_status_that_the_caller_reads_itself_is_an_answer(client: Client) -> None:
    with serving(reply(b"too much", "413 Too Large")) as server:
        answer = client.get(server.url, statuses=(413,))
    assert (answer.status, answer.body, server.calls) == (413, b"too much", 1)


def test_a_page_in_place_of_figures_is_named_by_its_title(client: Client) -> None:
    page = b"<html><head><title>Down for\n  maintenance</title></head></html>"
    with (
        serving(reply(page, Content_Type="text/html; charset=utf-8")) as server,
        pytest.raises(SourceFormatChanged, match='text/html titled "Down for maintenance"; application/json is expected'),
    ):
        client.get(server.url, accept=("application/json",))
    assert server.calls == 1


def test_two_gigabytes_are_not_read_past_the_limit() -> None:
    sent = 0

    def flood(stream: socket.socket) -> None:
        nonlocal sent
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000000\r\n\r\n")
        piece = b"0" * 1_000_000
        for _ in range(2000):
            stream.sendall(piece)
            sent += len(piece)

    with serving(flood) as server, Client(LOCAL) as client:
        with pytest.raises(SourceFormatChanged, match=r"more than 50,000,000 bytes, which is the limit"):
            client.get(server.url)
        assert server.calls == 1
        assert sent < 80_000_000


def test_a_gzip_bomb_stops_at_the_limit() -> None:
    bomb = gzip.compress(bytes(120_000_000), 6)
    with (
        serving(reply(bomb, Content_Encoding="gzip")) as server,
        Client(LOCAL) as client,
        pytest.raises(SourceFormatChanged, match="more than 50,000,000 bytes"),
    ):
        client.get(server.url)
    assert len(bomb) < 200_000


def test_exactly_the_limit_is_read() -> None:
    with Client(replace(LOCAL, max_bytes=1000)) as client, serving(reply(b"x" * 1000), reply(b"x" * 1001)) as server:
        assert len(client.get(server.url).body) == 1000
        with pytest.raises(SourceFormatChanged, match="more than 1,000 bytes"):
            client.get(server.url)


def hanging(until: threading.Event) -> Callable[[socket.socket], None]:
    def hang(_: socket.socket) -> None:
        until.wait(3)

    return hang


def drip(stream: socket.socket, start: bytes) -> None:
    stream.sendall(start)
    for _ in range(200):
        stream.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_a_slow_drip_ends_with_the_time_for_the_whole_call(start: bytes) -> None:
    begun = time.monotonic()
    with (
        serving(lambda stream: drip(stream, start)) as server,
        Client(replace(LOCAL, total_s=0.6)) as client,
        pytest.raises(SourceUnavailable, match="did not finish in the time for the whole call"),
    ):
        client.get(server.url)
    assert time.monotonic() - begun < 2.0


def test_silence_is_given_up_and_tried_again() -> None:
    hang = threading.Event()
    with serving(hanging(hang), reply(b"ok")) as server:
        with Client(replace(LOCAL, read_s=0.2), sleep=lambda _: None) as client:
            assert client.get(server.url).body == b"ok"
        hang.set()
    assert server.calls == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[[1",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[[1,2",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: " + b"y" * 200_000,
        reply(gzip.compress(b"figures" * 1000)[:-20], Content_Encoding="gzip"),
        reply(b"not gzip at all", Content_Encoding="gzip"),
    ],
    ids=["closed", "short", "broken chunk", "not http", "endless header", "cut gzip", "false gzip"],
)
def test_a_broken_answer_is_tried_again_and_never_half_read(client: Client, answer: bytes) -> None:
    with serving(answer) as server, pytest.raises(SourceUnavailable, match="broke off"):
        client.get(server.url)
    assert server.calls == 3


def test_nobody_there(client: Client, waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(SourceUnavailable, match="cannot be reached: "):
        client.get(f"http://127.0.0.1:{port}/")
    assert len(waits) == 2


def test_a_redirect_on_the_same_host_keeps_what_we_sent(client: Client) -> None:
    with serving(reply(status="302 Found", Location="/data/missing_key.html"), reply(b"page")) as server:
        assert client.get(server.url, headers={"X-Key": KEY}).body == b"page"
    assert server.requests[1].startswith("GET /data/missing_key.html ")
    assert KEY in server.requests[1]


def test_a_redirect_to_another_host_takes_no_credentials_along(client: Client) -> None:
    with serving(reply(b"there")) as other, serving(reply(status="301 Moved", Location=f"{other.url}/x")) as first:
        assert client.get(first.url, headers={"Authorization": f"Bearer {KEY}"}, secrets=(KEY,)).body == b"there"
        assert KEY not in other.requests[0]
    with serving(reply(b"there")) as other, serving(reply(status="301 Moved", Location=f"{other.url}/?k={KEY}")) as first:
        with pytest.raises(SourceRefused, match="with our credentials in the address"):
            client.get(first.url, params={"key": KEY})
        assert other.calls == 0


def test_redirects_are_counted(client: Client) -> None:
    with (
        serving(reply(status="302 Found", Location="/again")) as server,
        pytest.raises(SourceFormatChanged, match="more than 5 times"),
    ):
        client.get(server.url)
    assert server.calls == 6


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_to_a_forbidden_address_is_refused(client: Client, location: str) -> None:
    with serving(reply(status="302 Found", Location=location)) as server, pytest.raises(SourceRefused):
        client.get(server.url)
    assert server.calls == 1


def test_tls_is_never_left_by_a_redirect() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": "http://127.0.0.1/"})

    with Client(LOCAL, transport=httpx.MockTransport(answer)) as client, pytest.raises(SourceRefused, match="without TLS"):
        client.get("https://statistics.example/")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "168.63.129.16", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "fe80::1",
        "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
        "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_wherever_the_name_leads(address: str) -> None:
    with pytest.raises(SourceRefused, match="a call may reach it only if allow_hosts says so"):
        Guard().check("statistics.example", ["93.184.216.34", address])


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_a_public_address_is_let_through(address: str) -> None:
    assert Guard().check("statistics.example", [address]) == [address]


def test_the_allow_list_is_by_name_address_or_network() -> None:
    named = Guard(("hooks.intranet", "10.1.0.0/16"))
    assert named.check("hooks.intranet", ["192.168.7.7"])
    assert named.check("other.intranet", ["10.1.9.9"])
    with pytest.raises(SourceRefused):
        named.check("other.intranet", ["10.2.0.1"])
    with pytest.raises(SourceRefused, match="metadata"):
        named.check("hooks.intranet", ["169.254.169.254"])


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1.nip.example/", "ftp://127.0.0.1/", "http://", "https://", "127.0.0.1", "http://[::"]
)
def test_an_address_without_tls_or_host_is_not_called(client: Client, url: str) -> None:
    with pytest.raises(SourceRefused):
        client.get(url)


@pytest.mark.parametrize(
    ("spelling", "why"),
    [
        ("0x7f000001", "this machine itself"),
        ("0x7f.1", "this machine itself"),
        ("2130706433", "this machine itself"),
        ("017700000001", "this machine itself"),
        ("127.1", "this machine itself"),
        ("127.0.0.1.", "this machine itself"),
        ("127\u30020\u30020\u30021", "this machine itself"),
        ("user@127.0.0.1", "this machine itself"),
        ("[64:ff9b::7f00:1]", "this machine itself"),
        ("[2001:0:0:0:0:0:80ff:fffe]", "this machine itself"),
        ("[64:ff9b:1::7f00:1]", "a private address"),
        ("[::127.0.0.1]", "a private address"),
        ("[::ffff:0:127.0.0.1]", "a private address"),
        ("10.1", "a private address"),
        ("100.100.100.200", "a private address"),
        ("[fd00:ec2::254]", "a private address"),
        ("0xa9fea9fe", "metadata"),
        ("2852039166", "metadata"),
        ("169.254.169.254.", "metadata"),
        ("[fe80::1%25eth0]", "metadata"),
        ("0", "no address at all"),
    ],
)
@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9"], ids=["direct", "proxy"])
def test_other_spellings_of_an_address_are_refused_where_a_proxy_would_resolve_them_too(
    spelling: str, why: str, proxy: str | None
) -> None:
    with Client(HttpSettings(attempts=1, proxy=proxy)) as client, pytest.raises(SourceRefused, match=why):
        client.get(f"https://{spelling}/")


@pytest.mark.parametrize("spelling", ["0177.0.0.1", "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460", "127.0.0.1\n.example.org"])
def test_a_spelling_that_is_no_host_is_no_address(spelling: str) -> None:
    with Client(HttpSettings(attempts=1)) as client, pytest.raises(SourceRefused, match="not an address that can be called"):
        client.get(f"https://{spelling}/")


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST"])
def test_a_name_of_this_machine_is_resolved_and_refused(name: str) -> None:
    with Client(HttpSettings(attempts=1)) as client, pytest.raises(SourceRefused, match="this machine itself"):
        client.get(f"https://{name}/")


def test_the_address_that_was_checked_is_the_one_connected() -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    asked: list[str] = []

    def changing(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    settings = HttpSettings(allow_hosts=("rebinding.example",), per_host_per_minute=60_000, attempts=1)
    with serving(reply(b"ok")) as server, Client(settings, resolve=changing) as client:
        url = server.url.replace("127.0.0.1", "rebinding.example")
        assert client.get(url).body == b"ok"
        with pytest.raises(SourceRefused, match=r"rebinding.example leads to 169.254.169.254, a link-local or metadata address"):
            client.get(url)
    assert asked == ["rebinding.example"] * 2
    assert "host: rebinding.example:" in server.requests[0].lower()
    assert server.calls == 1


def test_an_unknown_name_is_unavailable() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with (
        Client(HttpSettings(), resolve=unknown, sleep=lambda _: None) as client,
        pytest.raises(SourceUnavailable, match=r"cannot be reached: the name is not known \(Name or service not known\)"),
    ):
        client.get("https://statistics.example/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    made = folder / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=statistics.example"
    extra = [
        "-addext",
        "subjectAltName=DNS:statistics.example",
        "-keyout",
        str(folder / "key.pem"),
        "-out",
        str(folder / "cert.pem"),
    ]
    try:
        subprocess.run([*command.split(), *extra], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("this machine has no openssl program")
    made.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return made


@pytest.mark.parametrize(("host", "good"), [("statistics.example", True), ("other.example", False)])
def test_the_certificate_is_checked_against_the_name_not_the_address(certificate: Path, host: str, good: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    settings = HttpSettings(
        allow_hosts=("127.0.0.1",), per_host_per_minute=60_000, attempts=1, ca_file=str(certificate.with_name("cert.pem"))
    )
    with serving(reply(b"safe"), wrap=lambda s: context.wrap_socket(s, server_side=True)) as server:
        url = server.url.replace("http://127.0.0.1", f"https://{host}")
        with Client(settings, resolve=lambda host, port: ["127.0.0.1"]) as client:
            if good:
                assert client.get(url).body == b"safe"
            else:
                with pytest.raises(SourceUnavailable, match=r"(?i)certificate verify failed"):
                    client.get(url)


def test_a_proxy_is_used_where_it_is_named_and_literal_addresses_stay_checked() -> None:
    with serving(reply(b"through")) as proxy:
        settings = HttpSettings(
            proxy=proxy.url.replace("//", f"//me:{KEY}@"), allow_hosts=("plain.example",), per_host_per_minute=60_000
        )
        assert KEY not in repr(settings)
        with Client(settings) as client:
            assert client.get("http://plain.example/x").body == b"through"
            with pytest.raises(SourceRefused, match="metadata"):
                client.get("https://169.254.169.254/")
    assert proxy.requests[0].startswith("GET http://plain.example/x ")
    assert proxy.calls == 1


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(reply(b"direct")) as server, serving(reply(b"through")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        with Client(replace(LOCAL, attempts=1)) as client:
            assert client.get(server.url).body == b"direct"
            with pytest.raises(SourceUnavailable):
                client.get(server.url.replace("http:", "https:"))
    assert proxy.calls == 0


def test_a_host_is_called_at_an_even_pace() -> None:
    with serving(reply(b"ok")) as server, Client(replace(LOCAL, per_host_per_minute=600)) as client:
        begun = time.monotonic()
        for _ in range(4):
            client.get(server.url)
        assert 0.28 <= time.monotonic() - begun < 2.0


def test_a_turn_that_does_not_come_in_time_is_told() -> None:
    settings = replace(LOCAL, per_host_per_minute=1, total_s=0.3)
    with serving(reply(b"ok")) as server, Client(settings) as client:
        client.get(server.url)
        with pytest.raises(SourceUnavailable, match=r"waiting for their turn"):
            client.get(server.url)
    assert server.calls == 1


def test_a_key_is_in_no_log_line_error_or_repr(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"bad key {KEY}".encode()
    with serving(reply(echo, "403 Forbidden", Content_Type="text/plain")) as server, pytest.raises(SourceRefused) as caught:
        client.get(server.url.replace("//", f"//me:{KEY}@"), params={"key": KEY, "time": "2025-07"}, headers={"X": KEY})
    assert KEY in server.requests[0]
    assert f"key={MASK}&time=2025-07" in str(caught.value)
    assert KEY not in str(caught.value) + repr(caught.value) + caplog.text
    with serving(b"") as server, pytest.raises(SourceUnavailable) as broken:
        client.get(server.url, params={"subscription-key": KEY})
    assert KEY not in str(broken.value) + caplog.text
    with serving(b"") as server, pytest.raises(SourceRefused, match="one of our headers") as bad:
        client.get(server.url, headers={"X-Key": f"{KEY}\nInjected: yes"})
    assert KEY not in str(bad.value)


@pytest.mark.parametrize("name", ["key", "KEY", "subscription-key", "serviceKey", "appId", "token"])
def test_the_values_of_secret_query_keys_are_masked(name: str) -> None:
    assert masked(f"https://a.example/x?time=1&{name}=abc%20d&z=2") == f"https://a.example/x?time=1&{name}={MASK}&z=2"


@given(st.text(alphabet="abcxyz0189+/=&é ", min_size=8, max_size=30))
def test_a_given_secret_is_masked_however_an_address_spells_it(secret: str) -> None:
    shown = masked(f"https://mon.tld/{quote(secret, safe='')}/{quote(secret)}?q={quote_plus(secret)}#{secret}", (secret,))
    assert not {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)} & set(shown.split("/"))
    assert shown == f"https://mon.tld/{MASK}/{MASK}?q={MASK}#{MASK}"


def test_userinfo_is_masked() -> None:
    assert masked("https://user:pass@a.example/") == f"https://{MASK}@a.example/"


def test_a_post_is_sent_once_and_any_status_is_an_answer(client: Client) -> None:
    with serving(
        reply(b"no", "500 Oops"), reply(status="301 Moved", Location="/x"), reply(status="429 No", Retry_After="7")
    ) as server:
        assert client.post(server.url, body=b"{}").status == 500
        assert client.post(server.url, body=b"{}").status == 301
        assert client.post(server.url, body=b"{}", headers={"X-A": "b"}).retry_after == 7.0
    assert server.calls == 3
    assert "x-a: b" in server.requests[2].lower()


def test_what_is_posted_waits_for_no_pace_of_sources() -> None:
    with serving(*[reply(b"ok")] * 3) as server, Client(replace(LOCAL, per_host_per_minute=1)) as client:
        assert [client.post(server.url, body=b"{}", total_s=2).status for _ in range(3)] == [200, 200, 200]


def test_a_receiver_that_sends_a_gigabyte_is_heard_for_64_kb(client: Client) -> None:
    sent = 0

    def flood(stream: socket.socket) -> None:
        nonlocal sent
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(1000):
            stream.sendall(b"x" * 1_000_000)
            sent += 1_000_000

    with serving(flood) as server:
        answer = client.post(server.url, body=b"{}")
    assert (answer.status, len(answer.body)) == (200, 65_536)
    assert sent < 30_000_000


@pytest.mark.parametrize("rest", [b"Content-Length: 100\r\n\r\npart", b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nbad"])
def test_a_receiver_whose_answer_breaks_off_has_still_answered(client: Client, rest: bytes) -> None:
    with serving(b"HTTP/1.1 202 Accepted\r\n" + rest) as server:
        assert client.post(server.url, body=b"{}").status == 202


def test_a_receiver_that_hangs_or_closes_is_unavailable_and_only_its_host_is_named(client: Client) -> None:
    hang = threading.Event()
    with serving(hanging(hang), b"") as server:
        for _ in range(2):
            with pytest.raises(SourceUnavailable) as caught:
                client.post(f"{server.url}/services/T000/{KEY}", body=b"{}", total_s=0.3)
            assert KEY not in str(caught.value)
            assert server.url in str(caught.value)
        hang.set()
    assert server.calls == 2


def test_a_post_reaches_no_forbidden_address(client: Client) -> None:
    with pytest.raises(SourceRefused, match="metadata"):
        client.post("https://169.254.169.254/", body=b"{}")
