"""
The one client behind every outgoing call: polite to the other side, and trusting nothing that comes back.

Polite: an even pace per host, few attempts with jitter, ``Retry-After`` honoured, conditional requests. Guarded: only
checked addresses (`monitor.sources.guard`), limits on time and on decompressed bytes while they stream, content types
checked before anything is parsed, and no secret in any line, error or repr.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from time import sleep as real_sleep

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from monitor import __version__
from monitor.errors import SourceError, SourceFormatChanged, SourceRefused, SourceThrottled, SourceUnavailable
from monitor.sources.bodies import decoded, first_line, head_of, html_title, limited
from monitor.sources.guard import Guard, GuardedTransport, Resolve, deadline, resolve, seconds_left
from monitor.sources.masking import masked, query_secrets, silence, without
from monitor.sources.memory import Memory
from monitor.sources.pace import Paces, pause, read_retry_after

MOST_REDIRECTS = 5
_TRY_AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """
    Limits and manners of all calls.

    Parameters
    ----------
    connect_s, read_s : float
        Seconds for one connection and for one silence.
    total_s : float
        Seconds for one `get`, attempts and waits included.
    max_bytes : int
        Decompressed bytes of one answer.
    attempts : int
    per_host_per_minute : float
        Of `get`; what is posted keeps to what its receiver takes.
    allow_hosts : tuple of str
        Names, addresses or networks that may be private and spoken to without TLS.
    proxy, ca_file : str, optional
        ``http://user:password@host:port``; a PEM file of further authorities.
    """

    connect_s: float = 10.0
    read_s: float = 30.0
    total_s: float = 180.0
    max_bytes: int = 50_000_000
    attempts: int = 4
    per_host_per_minute: float = 60.0
    allow_hosts: tuple[str, ...] = ()
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer: header names in lower case, the body decompressed, `retry_after` in seconds."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    retry_after: float | None = None

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class _Final(SourceUnavailable):
    """Not there today; the same request a second later will not change that."""


class Client:
    """
    Every outgoing call of the program.

    Parameters
    ----------
    settings : HttpSettings
    transport : httpx.BaseTransport, optional
        For tests; replaces sockets and with them the check of addresses.
    memory : Memory, optional
        What addresses said last; without it no request is conditional.
    resolve : callable, optional
        ``(host, port) -> addresses``.
    sleep, clock : callable, optional
        How to wait between attempts, and the time (aware) that a ``Retry-After`` date is compared with.
    """

    def __init__(
        self,
        settings: HttpSettings | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        memory: Memory | None = None,
        resolve: Resolve = resolve,
        sleep: Callable[[float], None] = real_sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.settings, self._memory = settings or HttpSettings(), memory
        self._guard = Guard(self.settings.allow_hosts)
        self._sleep, self._clock = sleep, clock
        self._paces = Paces(self.settings.per_host_per_minute)
        own = transport or self._sockets(resolve)
        limits = httpx.Timeout(self.settings.read_s, connect=self.settings.connect_s)
        self._http = httpx.Client(transport=own, timeout=limits, trust_env=False, follow_redirects=False)
        self._http.headers = httpx.Headers({"User-Agent": f"trade-monitor/{__version__}", "Accept-Encoding": "gzip"})
        silence()

    def _sockets(self, resolve: Resolve) -> httpx.BaseTransport:
        context = httpx.create_ssl_context(trust_env=False)
        if self.settings.ca_file:
            context.load_verify_locations(self.settings.ca_file)
        return GuardedTransport(self._guard, context=context, proxy=self.settings.proxy, resolve=resolve)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that were called, in the order of the first call."""
        return self._paces.hosts

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        secrets: Collection[str] = (),
        accept: Collection[str] = (),
        passing: Collection[int] = (),
        statuses: Collection[int] = (),
        conditional: bool = False,
    ) -> Answer:
        """
        Read an address, trying again where that can help.

        Parameters
        ----------
        params : mapping, optional
            The query; in place of one that stands in `url`.
        secrets : collection of str
            Values that nobody may read in an error, wherever they stand.
        accept : collection of str
            Content types that the caller can read; any if empty.
        passing : collection of int
            Statuses that this server takes back by itself, to be tried again: a gateway's 403 that is about nobody's key.
        statuses : collection of int
            Error statuses that the caller reads itself: they come back as answers, at most 64 kB of them.
        conditional : bool
            Let the server say "not modified"; the answer is then the one that was held.

        Raises
        ------
        SourceUnavailable
            No answer, a broken one, or a server's fault; SourceThrottled if it asks for patience.
        SourceRefused
            401, 403, or an address that a call may not reach.
        SourceFormatChanged
            Any other refusal, another content type, or more bytes than allowed.
        """
        target = _address(url, params)
        memory = self._memory if conditional else None
        conditions = memory.conditions(str(target)) if memory else {}
        sent = {"Accept": ", ".join(accept) or "*/*", **dict(headers or {}), **conditions}
        hidden = frozenset(secrets) | query_secrets(target)
        call = _Call(target, sent, hidden, tuple(accept), statuses=frozenset(statuses), passing=frozenset(passing))
        with deadline(self.settings.total_s):
            answer = self._retrying()(self._attempt, call)
        return self._remembered(memory, str(target), answer) if memory else answer

    def _remembered(self, memory: Memory, address: str, answer: Answer) -> Answer:
        """Hold an answer for the next time, or give the one that is held where nothing changed."""
        if answer.status != HTTPStatus.NOT_MODIFIED:
            memory.keep(address, answer.headers, answer.body)
            return answer
        held = memory.body(address)
        if held is None:
            raise SourceUnavailable(f"{masked(address)} says that nothing changed, and what it said before is not held")
        return replace(answer, status=HTTPStatus.OK, body=held)

    def post(
        self,
        url: str,
        *,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        total_s: float | None = None,
        secrets: Collection[str] = (),
    ) -> Answer:
        """
        Send bytes once: no second attempt, no redirect; any status is an answer, of which 64 kB are read.

        The path of a receiver's address is often its password, so errors name the host alone.

        Raises
        ------
        SourceUnavailable
            If no status came back in time.
        SourceRefused
            If a call may not reach the address.
        """
        target = _address(url)
        name = f"{target.scheme}://{target.netloc.decode()}"
        call = _Call(target, dict(headers or {}), frozenset(secrets) | query_secrets(target), (), name)
        with deadline(self.settings.total_s if total_s is None else total_s), self._answering(call, "POST", body) as response:
            return self._answer(response, b"".join(head_of(response)))

    def _attempt(self, call: _Call) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            with self._answering(call, "GET", None) as response:
                if not response.has_redirect_location:
                    return self._read(call, response)
                call = call.redirected(response.headers["location"])
        raise SourceFormatChanged(f"{call.name} redirects more than {MOST_REDIRECTS} times")

    @contextmanager
    def _answering(self, call: _Call, method: str, body: bytes | None) -> Iterator[httpx.Response]:
        """Send a request; what httpx and the sockets raise, here or while the body is read, becomes one sentence."""
        self._guard.check_url(call.url)
        if method == "GET":  # a receiver says itself how much it takes
            self._paces.wait(call.url.host)
        request = self._http.build_request(method, call.url, headers=call.headers, content=body)
        try:
            response = self._http.send(request, stream=True)
            try:
                yield response
            finally:
                response.close()
                self._http.cookies.clear()
        except httpx.TimeoutException as error:
            over = "did not finish in the time for the whole call" if seconds_left() <= 0 else "did not answer in time"
            raise SourceUnavailable(f"{call.name} {over} ({type(error).__name__})") from None
        except httpx.LocalProtocolError:  # its text repeats the header at fault, which may be a secret
            raise SourceRefused(f"{call.name} was not called: one of our headers is not allowed in HTTP") from None
        except httpx.ConnectError as error:
            raise SourceUnavailable(call.masked(f"{call.name} cannot be reached: {error}")) from None
        except (httpx.RequestError, zlib.error) as error:
            raise SourceUnavailable(call.masked(f"{call.name} broke off: {error}")) from None

    def _read(self, call: _Call, response: httpx.Response) -> Answer:
        status = response.status_code
        if status in call.statuses:
            return self._answer(response, b"".join(head_of(response)))
        if status >= HTTPStatus.BAD_REQUEST:
            raise self._refusal(call, response)
        chunks = () if status in (204, 304) else decoded(response, call.name)
        body = b"".join(limited(chunks, self.settings.max_bytes, call.name))
        answer = self._answer(response, body)
        if call.accept and body.strip() and answer.content_type and answer.content_type not in call.accept:
            expected = " or ".join(call.accept)
            raise SourceFormatChanged(call.masked(f"{call.name} answered with {_what_came(answer)}; {expected} is expected"))
        return answer

    def _refusal(self, call: _Call, response: httpx.Response) -> SourceError:
        """Return the error that an error status means."""
        status, wait = response.status_code, self._retry_after(response)
        text = first_line(b"".join(head_of(response)), response.headers.get("content-type", ""))
        sentence = call.masked(f"{call.name} answered {status}{f': {text}' if text else ''}")
        if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.SERVICE_UNAVAILABLE and wait is not None):
            return SourceThrottled(sentence, wait)
        if status in _TRY_AGAIN | call.passing:
            return SourceUnavailable(sentence)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return SourceRefused(sentence)
        if status > HTTPStatus.INTERNAL_SERVER_ERROR or status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return _Final(sentence)
        return SourceFormatChanged(sentence)

    def _answer(self, response: httpx.Response, body: bytes) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=headers, body=body, retry_after=self._retry_after(response))

    def _retry_after(self, response: httpx.Response) -> float | None:
        return read_retry_after(response.headers.get("retry-after"), self._clock())

    def _retrying(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception(lambda e: isinstance(e, SourceUnavailable) and not isinstance(e, _Final)),
            wait=pause,
            stop=lambda state: stop_after_attempt(self.settings.attempts)(state) or state.upcoming_sleep >= seconds_left(),
            sleep=self._sleep,
            reraise=True,
        )


@dataclass(frozen=True)
class _Call:
    """One request on its way, and how it is named to people."""

    url: httpx.URL = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    secrets: frozenset[str] = field(repr=False)
    accept: tuple[str, ...]
    name: str = ""
    statuses: frozenset[int] = frozenset()
    passing: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", masked(self.name or str(self.url), self.secrets))

    def masked(self, text: str) -> str:
        return without(text, self.secrets)

    def redirected(self, location: str) -> _Call:
        """Return the request that a redirect asks for, without anything meant for the first host only."""
        url = self.url.join(location)
        if self.url.scheme == "https" and url.scheme != "https":
            raise SourceRefused(f"{self.name} redirects to {masked(str(url), self.secrets)}, which is without TLS")
        same = (url.scheme, url.host, url.port) == (self.url.scheme, self.url.host, self.url.port)
        if not same and self.masked(str(url)) != str(url):
            raise SourceRefused(f"{self.name} redirects to {url.host} with our credentials in the address")
        kept = self.headers if same else {"Accept": self.headers.get("Accept", "*/*")}
        return _Call(url, kept, self.secrets, self.accept, statuses=self.statuses, passing=self.passing)


def _address(url: str, params: Mapping[str, str] | None = None) -> httpx.URL:
    try:
        return httpx.URL(url, params=dict(params)) if params else httpx.URL(url)
    except httpx.InvalidURL as error:
        raise SourceRefused(f"not an address that can be called: {error}") from None


def _what_came(answer: Answer) -> str:
    title = html_title(answer.body) if answer.content_type == "text/html" else ""
    return f'{answer.content_type} titled "{title}"' if title else answer.content_type
