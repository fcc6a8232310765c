"""Who is written to: an address leaves at once, by its link, a command or a bounce, and comes back as easily."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.app import App
from monitor.errors import MonitorError
from monitor.notify.links import Subscriber
from monitor.operations import over, raised
from monitor.rules.schema import Fact
from monitor.store.opt_outs import How, OptOut, bare
from monitor.yamlfile import did_you_mean

BY_LINK = "link in a mail"
"""Who leaves by a link: it asks nobody's name."""


class Subscriptions:
    """The addresses of a desk's receivers, and which of them are left alone."""

    def __init__(self, app: App) -> None:
        self._app = app

    def known(self) -> Iterator[Subscriber]:
        """Yield the addresses of every receiver, and those that left one."""
        for receiver, addresses in self._app.addresses.items():
            yield from ((receiver, bare(address)) for address in addresses if address)
        yield from ((one.receiver, one.address) for one in self._app.opt_outs.all())

    def find(self, token: str) -> Subscriber | None:
        """Return whose link ends with a token; None where it is of nobody here."""
        return self._app.links.find(token, dict.fromkeys(self.known()))

    def named(self, receiver: str, mailbox: str) -> Subscriber:
        """
        Return an address that a person names.

        Raises
        ------
        MonitorError
            If there is no such receiver, or it has no such address.
        """
        found = [address for name, address in dict.fromkeys(self.known()) if name == receiver]
        if receiver not in self._app.addresses and not found:
            raise MonitorError(f'there is no receiver "{receiver}"{did_you_mean(receiver, self._app.addresses)}')
        if bare(mailbox) not in found:
            said = did_you_mean(bare(mailbox), found) or "; it writes to no address" * (not found)
            raise MonitorError(f'the receiver "{receiver}" has no address "{mailbox}"{said}')
        return receiver, bare(mailbox)

    def gone(self, subscriber: Subscriber) -> bool:
        """Tell whether an address is left alone."""
        return self._app.opt_outs.find(*subscriber) is not None

    def leave(self, subscriber: Subscriber, *, who: str = BY_LINK, how: How = How.LINK, why: str = "") -> bool:
        """Write to an address no more; operators hear where it was the last. True where it was written to before."""
        receiver, address = subscriber
        found = OptOut(receiver=receiver, address=address, at=self._app.clock(), how=how, why=why)
        new = self._app.opt_outs.add(found, who=who)
        if not self._left(receiver):
            told = f'To the receiver "{receiver}" no mail goes any more: {address} was its last address ({found.words}).'
            raised(self._app, Fact.NOBODY_LEFT, receiver, (told, self._instead(receiver)))
        return new

    def back(self, subscriber: Subscriber, *, who: str = BY_LINK) -> bool:
        """Write to an address again; True where it was left alone before."""
        receiver, address = subscriber
        ended = self._app.opt_outs.end(receiver, address, at=self._app.clock(), who=who)
        if self._left(receiver):
            over(self._app, (Fact.NOBODY_LEFT,), receiver)
        if ended:
            over(self._app, (Fact.MAIL_BOUNCED,), f"{receiver}#{address}")
        return ended

    def _left(self, receiver: str) -> bool:
        """Tell whether a receiver has an address that is written to; one that is not configured needs none."""
        return receiver not in self._app.addresses or bool(self._app.reach[receiver].addresses)

    def _instead(self, receiver: str) -> str:
        fallback = next((one.fallback for one in self._app.settings.receivers if one.name == receiver), "")
        return f"Its fallback {fallback} hears instead." if fallback else "It has no fallback: nobody hears what goes to it."
