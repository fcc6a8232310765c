"""Addresses of receivers: take one out, put it back, take in the report of a mail that came back."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from monitor.commands.terminal import by_option, desk_at, say


@click.command("unsubscribe")
@click.argument("name")
@click.argument("address")
@by_option
@click.pass_obj
def unsubscribe(config: Path, name: str, address: str, by: str) -> None:
    """
    Write to an address no more.

    NAME is a receiver of config/receivers.yaml and ADDRESS one of those that it writes to. It holds at once, also for messages
    that wait. The link in each mail does the same.

    For example: monitor receivers unsubscribe buyers analyst@example.org.
    """
    from monitor.store.opt_outs import How
    from monitor.subscriptions import Subscriptions

    with desk_at(config) as app:
        people = Subscriptions(app)
        receiver, found = people.named(name, address)
        new = people.leave((receiver, found), who=by, how=How.COMMAND)
    say(f"{found} gets nothing more of {receiver}." if new else f"{found} was unsubscribed from {receiver} already.")


@click.command("resubscribe")
@click.argument("name")
@click.argument("address")
@by_option
@click.pass_obj
def resubscribe(config: Path, name: str, address: str, by: str) -> None:
    """
    Write to an address again that unsubscribed, or whose mails came back.

    For example: monitor receivers resubscribe buyers analyst@example.org.
    """
    from monitor.subscriptions import Subscriptions

    with desk_at(config) as app:
        people = Subscriptions(app)
        receiver, found = people.named(name, address)
        ended = people.back((receiver, found), who=by)
    say(f"{found} gets the messages of {receiver} again." if ended else f"{found} gets the messages of {receiver} already.")


@click.command("bounce")
@click.argument("file", type=click.File("rb"), default="-")
@click.pass_obj
def bounce(config: Path, file: BinaryIO) -> None:
    """
    Take in the report of a mail that came back, as the mail server pipes it in.

    FILE is the whole mail, headers included; without it, or with -, it is read from standard input. An address without a
    mailbox is suspended; any other failure is told to operators.

    For example: monitor receivers bounce < report.eml.
    """
    from monitor.notify.bounces import MOST_BYTES
    from monitor.subscriptions import Subscriptions

    raw = file.read(MOST_BYTES + 1)
    with desk_at(config) as app:
        say(f"{Subscriptions(app).bounced(raw)}.")
