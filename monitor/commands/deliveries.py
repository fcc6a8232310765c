"""Deliveries: every attempt and what waits, exactly what was sent, and what a person does with a message that is stuck."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import Day, as_json_option, by_option, desk_at, say, show_json, show_table, typed
from monitor.errors import MonitorError
from monitor.wording import MOST_COMMENT

if TYPE_CHECKING:
    from monitor.alerts.messages import Delivery, Notification
    from monitor.app import App
    from monitor.store.deliveries import Attempt, Waiting

Sent = Sequence[tuple["Delivery", "str | None"]]


@click.group("deliveries")
def deliveries_command() -> None:
    """What was sent to whom, how it was answered, and what waits."""


def _day(ctx: click.Context, param: click.Parameter, value: datetime | None) -> datetime | None:
    return None if value is None else value.replace(tzinfo=UTC)


@deliveries_command.command("list")
@click.option("--receiver", help="Only this receiver, or one address of it.")
@click.option("--release", default="", help="Only messages about this release.")
@click.option(
    "--since", type=Day(minute=True), callback=_day, metavar="DATE", help="Only from this day, or this minute of it, on (UTC)."
)
@click.option("--dead", is_flag=True, help="Only attempts at messages that were refused or given up.")
@click.option("--waiting", is_flag=True, help="What waits, when it is tried next, and why not before.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many.")
@as_json_option
@click.pass_obj
def list_deliveries(
    config: Path, receiver: str | None, release: str, since: datetime | None, dead: bool, waiting: bool, limit: int, as_json: bool
) -> None:
    """
    List attempts, newest first; or what waits, oldest first.

    For example: monitor deliveries list --dead, then monitor deliveries show and monitor deliveries retry.
    """
    if dead and waiting:
        raise click.UsageError("a message that waits is not dead; name one of --dead and --waiting")
    with desk_at(config) as app:
        if waiting:
            _list_waiting(app, limit, receiver, release, since, as_json)
            return
        found = app.outbox.deliveries(limit=limit, receiver=receiver, dead=dead, release=release, since=since)
    if as_json:
        show_json([_record(attempt) for attempt in found])
    elif found:
        show_table(("at (UTC)", "message", "receiver", "attempt", "outcome", "subject", "answer"), map(_row, found), right=(3,))
    else:
        some = "No message is dead" if dead else "Nothing was sent yet"
        click.echo(f"{some}{' of what was asked for' if receiver or release or since else ''}.")


def _row(attempt: Attempt) -> tuple[str, ...]:
    a = attempt
    return _second(a.at), a.notification[:8], a.receiver, str(a.attempt), a.outcome.value, a.subject, a.answer


def _second(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _record(attempt: Attempt) -> dict[str, Any]:
    return {**attempt.__dict__, "at": attempt.at.isoformat(), "outcome": attempt.outcome.value}


def _list_waiting(app: App, limit: int, receiver: str | None, release: str, since: datetime | None, as_json: bool) -> None:
    from monitor.store.deliveries import waiting

    found = waiting(app.database, app.clock(), limit=limit, receiver=receiver, release=release, since=since)
    if as_json:
        show_json(
            [{**one.__dict__, "created_at": one.created_at.isoformat(), "next_at": one.next_at.isoformat()} for one in found]
        )
    elif found:
        headings = ("queued (UTC)", "message", "receiver", "attempts", "next try", "subject", "waits for")
        show_table(headings, map(_waiting_row, found), right=(3,))
    else:
        click.echo("No message waits.")


def _waiting_row(one: Waiting) -> tuple[str, ...]:
    return (
        _second(one.created_at),
        one.notification[:8],
        one.receiver,
        str(one.attempts),
        _second(one.next_at),
        one.subject,
        one.why,
    )


@deliveries_command.command("show")
@click.argument("notification")
@click.option("--attempt", type=click.IntRange(min=1), help="Of this attempt; otherwise of the last that sent anything.")
@click.option("--raw", is_flag=True, help="Print only what was sent, letter for letter.")
@as_json_option
@click.pass_obj
def show_delivery(config: Path, notification: str, attempt: int | None, raw: bool, as_json: bool) -> None:
    """
    Show the attempts at a message and what exactly was sent.

    Secrets are masked. Of the id of NOTIFICATION the first letters are enough. Of a message that was not tried yet it shows what
    would be sent.

    For example: monitor deliveries show 0b7e2f44 --raw.
    """
    from monitor.store.deliveries import sent

    with desk_at(config) as app:
        found = app.outbox.get(notification)
        attempts = sent(app.database, found.id)
        if raw:
            _print_raw(_wire(found, attempts, attempt))
        elif as_json:
            show_json(_shown(app, found, attempts))
        else:
            _print(app, found, attempts, attempt)


def _wire(note: Notification, attempts: Sent, number: int | None) -> str:
    """Return what went over the line with an attempt, or with the last that sent anything."""
    of = [wire for delivery, wire in attempts if number in (None, delivery.attempt) and wire is not None]
    if number is not None and not any(delivery.attempt == number for delivery, _ in attempts):
        raise MonitorError(f"there was no attempt {number} at the message {note.id[:8]}; there were {len(attempts)}")
    if not of:
        raise MonitorError(f"of the message {note.id[:8]} {_nothing(attempts)}")
    return of[-1]


def _nothing(attempts: Sent) -> str:
    return "nothing was sent, or what was is not kept any more" if attempts else "nothing was sent yet"


def _print_raw(wire: str) -> None:
    """Print letter for letter into a pipe or a file; on a terminal without what could steer it."""
    if sys.stdout.isatty():
        say(wire)
    else:
        click.echo(wire.encode("utf-8", "surrogatepass"), nl=False)


def _print(app: App, note: Notification, attempts: Sent, number: int | None) -> None:
    say(f"{note.id} to {note.receiver}, queued {_second(note.created_at)} UTC, {app.outbox.state_of(note.id)}")
    say(note.digest.subject)
    if not attempts:
        say("Not tried yet. It would be sent so:")
        show_json(_would_be(app, note))
        return
    click.echo()
    rows = [(_second(one.at), str(one.attempt), one.outcome.value, one.answer) for one, _ in attempts]
    show_table(("at (UTC)", "attempt", "outcome", "answer"), rows, right=(1,))
    if number is None and not any(wire is not None for _, wire in attempts):
        say(f"Of it {_nothing(attempts)}.")
        return
    said = f"attempt {number}" if number is not None else "the last attempt that sent anything"
    say(f"\nSent with {said}, secrets masked:\n")
    say(_wire(note, attempts, number))


def _would_be(app: App, note: Notification) -> dict[str, Any]:
    from monitor.notify.worker import message_of

    notifier = app.notifiers.get(note.receiver.partition("#")[0])
    if notifier is None:
        raise MonitorError(f'the receiver "{note.receiver}" is not in config/receivers.yaml any more')
    return notifier.show(message_of(note))


def _shown(app: App, note: Notification, attempts: Sent) -> dict[str, Any]:
    tried = [
        {"attempt": one.attempt, "at": one.at.isoformat(), "outcome": one.outcome.value, "answer": one.answer, "sent": wire}
        for one, wire in attempts
    ]
    found = {"id": note.id, "receiver": note.receiver, "state": app.outbox.state_of(note.id), "attempts": tried}
    return found if attempts else {**found, "would_be_sent": _would_be(app, note)}


@deliveries_command.command("retry")
@click.argument("notification", required=False)
@click.option("--all", "every", is_flag=True, help="Every dead message.")
@by_option
@click.pass_obj
def retry_delivery(config: Path, notification: str | None, every: bool, by: str) -> None:
    """
    Put a dead message back into the queue, under the same id.

    Of the id of NOTIFICATION the first letters are enough. `monitor deliver` then sends it.

    For example: monitor deliveries retry 0b7e2f44, or monitor deliveries retry --all.
    """
    from monitor.wording import say_count

    if (notification is None) == (not every):
        raise click.UsageError("name one notification, or --all")
    with desk_at(config) as app:
        count = app.outbox.retry_all(who=by, at=app.clock()) if every else 1
        if notification is not None:
            app.outbox.retry(notification, who=by, at=app.clock())
    if not count:
        click.echo("No message is dead.")
        return
    click.echo(f"{say_count(count, 'message is', 'messages are')} in the queue again; `monitor deliver` sends.")


@deliveries_command.command("drop")
@click.argument("notification")
@click.option("--reason", callback=typed(MOST_COMMENT), required=True, help="Why; it is written down.")
@by_option
@click.pass_obj
def drop_delivery(config: Path, notification: str, reason: str, by: str) -> None:
    """
    Give up a message that waits: it is not sent.

    It is dead then, and holds up no other. Of the id of NOTIFICATION the first letters are enough. `monitor deliveries retry`
    sends it after all.

    For example: monitor deliveries drop 0b7e2f44 --reason "the figures were withdrawn".
    """
    with desk_at(config) as app:
        dropped = app.outbox.drop(notification, reason=reason, who=by, at=app.clock())
    say(f"{dropped.id[:8]} to {dropped.receiver} is not sent: {dropped.digest.subject}")
