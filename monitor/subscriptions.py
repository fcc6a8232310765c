"""Who is written to: an address leaves at once, by its link, a command or a bounce, and comes back as easily."""

from __future__ import annotations

from collections.abc import Iterator

from monitor.app import App
from monitor.errors import MonitorError
from monitor.notify.bounces import is_nobody, read, status_in
from monitor.notify.links import Subscriber
from monitor.operations import over, raised
from monitor.rules.schema import Fact
from monitor.store.opt_outs import How, OptOut, bare
from monitor.wording import one_line
from monitor.yamlfile import did_you_mean

BY_LINK = "link in a mail"
"""Who leaves by a link: it asks nobody's name."""
BY_BOUNCE = "mail server"
"""Who says that there is no such mailbox."""


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

    def refused(self, made_out_to: str, answer: str) -> bool:
        """
        Suspend an address whose mail server answers that there is no such mailbox; operators hear it once.

        Parameters
        ----------
        made_out_to : str
            As messages are: ``buyers#ada@example.com``.
        answer : str
            What the server said, its status code included.

        Returns
        -------
        bool
            True where the answer says so.
        """
        receiver, _, mailbox = made_out_to.partition("#")
        if not mailbox or not is_nobody(status_in(answer)):
            return False
        self._suspend((receiver, bare(mailbox)), answer)
        return True

    def bounced(self, raw: bytes) -> str:
        """
        Write down a report of a mail that came back, and do what its status asks for; return what was done.

        Raises
        ------
        MonitorError
            If it is no report, or of no mail of this desk.
        """
        bounce = read(raw)
        id = self._app.links.bounced(bounce.token)
        if id is None:
            raise MonitorError("the report is of no mail of this desk: the token in its address was not made here")
        note = self._app.outbox.get(id)
        if not self._app.outbox.bounced(id, at=self._app.clock(), answer=bounce.answer, failed=bounce.failed):
            return f"{note.receiver}: {bounce.answer}; known already"
        if bounce.failed and not self.refused(note.receiver, f"550 {bounce.status} {bounce.words}"):
            again = f"`monitor deliveries retry {id}` sends it again."
            raised(self._app, Fact.DELIVERY_DIED, note.receiver, f"A message to {note.receiver} {bounce.answer}. {again}")
        gone = self._app.opt_outs.find(*note.receiver.partition("#")[::2])
        suspended = f"; {gone.words.partition(': ')[0]}" if gone is not None else ""
        return f"{note.receiver}: {bounce.answer}{suspended}"

    def _suspend(self, subscriber: Subscriber, answer: str) -> None:
        receiver, address = subscriber
        if self.leave(subscriber, who=BY_BOUNCE, how=How.BOUNCE, why=one_line(answer, 200)):
            again = f"`monitor receivers resubscribe {receiver} {address}` writes to it again."
            told = f"Mails of {receiver} to {address} come back: {one_line(answer, 200)}. It is not written to any more. {again}"
            raised(self._app, Fact.MAIL_BOUNCED, f"{receiver}#{address}", told)

    def _left(self, receiver: str) -> bool:
        """Tell whether a receiver has an address that is written to; one that is not configured needs none."""
        return receiver not in self._app.addresses or bool(self._app.reach[receiver].addresses)

    def _instead(self, receiver: str) -> str:
        fallback = next((one.fallback for one in self._app.settings.receivers if one.name == receiver), "")
        return f"Its fallback {fallback} hears instead." if fallback else "It has no fallback: nobody hears what goes to it."
