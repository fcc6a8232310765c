"""Messages: send what waits, list receivers, try one, see what was answered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.terminal import as_json_option, desk_at, say, show_json, show_table
from monitor.errors import MonitorError

if TYPE_CHECKING:
    from monitor.settings import ReceiverSettings
    from monitor.store.outbox import Attempt


@click.command("deliver")
@click.pass_obj
def deliver_command(config: Path) -> None:
    """
    Send the messages that are due now.

    A receiver that delays is tried again later, over three days; one that refuses is not. See `monitor deliveries`.
    """
    from monitor import jobs
    from monitor.wording import say_count

    with desk_at(config) as app:
        attempts = jobs.deliver(app)
        counts = app.outbox.counts()
    if attempts or not counts["waiting"]:
        click.echo(f"{say_count(attempts, 'message')} tried." if attempts else "No message waits.")
    click.echo(left_over(counts), nl=bool(left_over(counts)))


def left_over(counts: dict[str, int]) -> str:
    """Say what waits to be tried again and what died; "" where all was sent."""
    from monitor.wording import say_count

    parts = []
    if counts["waiting"]:
        parts.append(f"{say_count(counts['waiting'], 'message waits', 'messages wait')} to be tried again")
    if counts["dead"]:
        parts.append(f"{say_count(counts['dead'], 'message is', 'messages are')} dead (monitor deliveries list --dead)")
    return f"{'; '.join(parts)}." if parts else ""


@click.group("receivers")
def receivers_command() -> None:
    """Who is told."""


@receivers_command.command("list")
@as_json_option
@click.pass_obj
def list_receivers(config: Path, as_json: bool) -> None:
    """List receivers, their routes, and the secrets that they lack."""
    with desk_at(config) as app:
        routes, operators = app.settings.routes.routes, app.settings.operators
        found = [(r, [route.name for route in routes if r.name in route.receivers]) for r in app.settings.receivers]
    if as_json:
        show_json([_listed(receiver, led, operators) for receiver, led in found])
        return
    show_table(("receiver", "kind", "routes"), [(receiver.name, receiver.kind, ", ".join(led)) for receiver, led in found])
    for receiver, _ in found:
        for mistake in receiver.lacking:
            say(f"{receiver.name} cannot be sent to: {mistake}")


def _listed(receiver: ReceiverSettings, routes: list[str], operators: str) -> dict[str, Any]:
    return {
        "name": receiver.name,
        "kind": receiver.kind,
        "routes": routes,
        "operators": receiver.name == operators,
        "lacking": [mistake.__dict__ for mistake in receiver.lacking],
    }


@receivers_command.command("test")
@click.argument("name")
@click.pass_obj
def try_receiver(config: Path, name: str) -> None:
    """
    Send a marked test message at once, and say what was answered.

    NAME is a receiver of config/receivers.yaml. Exits 1 if one of its addresses did not accept it.

    For example: monitor receivers test desk.
    """
    from monitor.trial import send_test

    with desk_at(config) as app:
        trials = list(send_test(app, name))
    for trial in trials:
        say(f"{trial.address}: {trial.answer}" if trial.accepted else f"monitor: {trial.answer}", err=not trial.accepted)
    if not all(trial.accepted for trial in trials):
        raise SystemExit(1)


@click.group("deliveries")
def deliveries_command() -> None:
    """What was sent to whom, and how it was answered."""


@deliveries_command.command("list")
@click.option("--receiver", help="Only this receiver.")
@click.option("--dead", is_flag=True, help="Only attempts at messages that were refused or given up.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), help="How many, newest first.")
@as_json_option
@click.pass_obj
def list_deliveries(config: Path, receiver: str | None, dead: bool, limit: int, as_json: bool) -> None:
    """
    List attempts, newest first.

    For example: monitor deliveries list --dead, then monitor deliveries show and monitor deliveries retry.
    """
    with desk_at(config) as app:
        found = app.outbox.deliveries(limit=limit, receiver=receiver, dead=dead)
    if as_json:
        show_json([_record(attempt) for attempt in found])
    elif found:
        show_table(("at (UTC)", "message", "receiver", "attempt", "outcome", "subject", "answer"), map(_row, found), right=(3,))
    else:
        click.echo("No message is dead." if dead else "Nothing was sent yet.")


def _row(attempt: Attempt) -> tuple[str, ...]:
    a, at = attempt, f"{attempt.at:%Y-%m-%d %H:%M:%S}"
    return at, a.notification[:8], a.receiver, str(a.attempt), a.outcome.value, a.subject, a.answer


def _record(attempt: Attempt) -> dict[str, Any]:
    return {**attempt.__dict__, "at": attempt.at.isoformat(), "outcome": attempt.outcome.value}


@deliveries_command.command("show")
@click.argument("notification")
@click.pass_obj
def show_delivery(config: Path, notification: str) -> None:
    """
    Show what was or would be sent, as JSON, with secrets masked.

    Of the id of NOTIFICATION the first letters are enough.
    """
    from monitor.notify.worker import message_of

    with desk_at(config) as app:
        found = app.outbox.get(notification)
        notifier = app.notifiers.get(found.receiver.partition("#")[0])
        if notifier is None:
            raise MonitorError(f'the receiver "{found.receiver}" is not in config/receivers.yaml any more')
        show_json({"id": found.id, "receiver": found.receiver, **notifier.show(message_of(found))})


@deliveries_command.command("retry")
@click.argument("notification", required=False)
@click.option("--all", "every", is_flag=True, help="Every dead message.")
@click.pass_obj
def retry_delivery(config: Path, notification: str | None, every: bool) -> None:
    """
    Put a dead message back into the queue, under the same id.

    Of the id of NOTIFICATION the first letters are enough. `monitor deliver` then sends it.
    """
    from monitor.wording import say_count

    if (notification is None) == (not every):
        raise click.UsageError("name one notification, or --all")
    with desk_at(config) as app:
        names = [dead.id for dead in app.outbox.dead()] if every else [str(notification)]
        for name in names:
            app.outbox.retry(name)
    if not names:
        click.echo("No message is dead.")
        return
    click.echo(f"{say_count(len(names), 'message is', 'messages are')} in the queue again; `monitor deliver` sends.")
