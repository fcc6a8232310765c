"""
Which addresses a call may reach: a name is resolved once, every address is checked, the checked address is connected.

The check stands below TLS and HTTP, in httpcore's network backend, so the Host header, the server name and the
certificate check keep the name, and a second DNS answer is never asked for. The same backend bounds every read and
write by the deadline of the call at hand, so that a slow drip ends.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

import httpcore
import httpx

from monitor.errors import SourceRefused

Address: TypeAlias = IPv4Address | IPv6Address
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]

_NAT64 = ip_network("64:ff9b::/96")
_CLOUD = ip_network("168.63.129.16/32")  # a cloud's control address, though publicly routed

_CONNECTIONS = 100  # so that slow hosts hold up no other

_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let every socket operation of this thread end within so many seconds from now; an outer deadline still holds."""
    token = _deadline.set(min(_deadline.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float:
    """Return the seconds until the deadline at hand; infinity without one."""
    return _deadline.get() - time.monotonic()


def resolve(host: str, port: int) -> list[str]:
    """Ask the system's resolver for the addresses of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@dataclass(frozen=True)
class Guard:
    """
    The rule for hosts and addresses.

    Parameters
    ----------
    allow : iterable of str
        Host names, addresses or networks (``10.1.0.0/16``) that may be private and spoken to without TLS. A name lets
        through private and loopback addresses; link-local ones (a cloud's metadata) only when listed as such.
    """

    allow: tuple[str, ...] = ()

    def lists(self, host: str) -> bool:
        """Tell whether a host is on the allow list, by name or by address."""
        if host.casefold() in (name.casefold() for name in self.allow):
            return True
        literal = _literal(host)
        return literal is not None and self._in_networks(literal)

    def check_url(self, url: httpx.URL) -> None:
        """
        Refuse what can be refused without a look at DNS.

        Raises
        ------
        SourceRefused
            If the scheme is not https (or http to a listed host), or the host is a forbidden literal address.
        """
        if url.scheme not in ("http", "https") or not url.host:
            raise SourceRefused(f'an address to call starts with https://, not with "{url.scheme}:"')
        if url.scheme == "http" and not self.lists(url.host):
            raise SourceRefused(f"{url.host} would be called without TLS; use https, or put it into allow_hosts")
        if (literal := _literal(url.host)) is not None:
            self.check(url.host, [str(literal)])

    def check(self, host: str, addresses: Iterable[str]) -> list[str]:
        """
        Return the addresses if a call to `host` may reach every one of them.

        Raises
        ------
        SourceRefused
            Naming the first that it may not.
        """
        found = list(addresses)
        for text in found:
            if (fault := self._fault(host, ip_address(text.partition("%")[0]))) is not None:
                raise SourceRefused(f"{host} leads to {text}, {fault}; a call may reach it only if allow_hosts says so")
        return found

    def _fault(self, host: str, address: Address) -> str | None:
        inner = _embedded(address)
        if self._in_networks(address) or self._in_networks(inner):
            return None
        fault = _fault(inner)
        private = fault in ("a private address", "this machine itself")
        return None if fault is None or (private and self.lists(host)) else fault

    def _in_networks(self, address: Address) -> bool:
        return any(address in network for network in map(_network, self.allow) if network is not None)


def _literal(host: str) -> Address | None:
    """Return the address that a host is written as, in the spellings of resolvers (``0x7f.1``) and with their last dot too."""
    bare = host.strip("[]").removesuffix(".")
    try:
        return ip_address(bare)
    except ValueError:
        return _of_old(bare)


def _of_old(host: str) -> IPv4Address | None:
    try:
        return IPv4Address(socket.inet_aton(host)) if host.isascii() and not any(map(str.isspace, host)) else None
    except OSError:
        return None


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _embedded(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one leads to (mapped, 6to4, Teredo, NAT64), else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def _fault(address: Address) -> str | None:
    """Say why an address is not an ordinary public one; the order tells the narrow kinds from the wide."""
    kinds = (
        (address.is_unspecified, "no address at all"),
        (address.is_multicast, "a multicast address"),
        (address.is_loopback, "this machine itself"),
        (address.is_link_local or address in _CLOUD, "a link-local or metadata address"),
        (not address.is_global or address.is_reserved, "a private address"),
    )
    return next((name for holds, name in kinds if holds), None)


class _Deadlined(httpcore.NetworkStream):
    """A stream whose every operation ends by the deadline of the call that uses it."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _bounded(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _bounded(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        limit = _bounded(timeout, httpcore.ConnectTimeout)
        return _Deadlined(self._stream.start_tls(ssl_context, server_hostname, limit))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _bounded(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    left = seconds_left()
    if left <= 0:
        raise error("the time for the whole call is over")
    return timeout if left == float("inf") else min(timeout or left, left)


class _Checked(httpcore.NetworkBackend):
    """Resolves a name, checks every address, and connects to one of exactly these."""

    def __init__(self, guard: Guard, resolve: Resolve) -> None:
        self._guard, self._resolve, self._network = guard, resolve, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in self._addresses(host, port):
            limit = _bounded(timeout, httpcore.ConnectTimeout)
            try:
                return _Deadlined(self._network.connect_tcp(address, port, limit, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name is not known ({getattr(error, 'strerror', None) or error})") from error
        return self._guard.check(host, found)

    def sleep(self, seconds: float) -> None:
        self._network.sleep(seconds)


class GuardedTransport(httpx.HTTPTransport):
    """
    httpx's own transport over the checking backend.

    With a proxy, names are the proxy's to resolve: the proxy is reached wherever it stands, and only addresses written
    as such are checked (by `Guard.check_url`).
    """

    def __init__(self, guard: Guard, *, context: ssl.SSLContext, proxy: str | None = None, resolve: Resolve = resolve) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool.close()
        if proxy is None:
            self._pool = httpcore.ConnectionPool(context, max_connections=_CONNECTIONS, network_backend=_Checked(guard, resolve))
        else:
            self._pool = _proxy_pool(httpx.Proxy(proxy), context, resolve)


def _proxy_pool(proxy: httpx.Proxy, context: ssl.SSLContext, resolve: Resolve) -> httpcore.HTTPProxy:
    backend = _Checked(Guard((proxy.url.host, "0.0.0.0/0", "::/0")), resolve)
    address = str(proxy.url.copy_with(username=None, password=None))
    tls = context if proxy.url.scheme == "https" else None
    return httpcore.HTTPProxy(
        address,
        proxy.raw_auth,
        ssl_context=context,
        proxy_ssl_context=tls,
        max_connections=_CONNECTIONS,
        network_backend=backend,
    )
