"""Messages: send what waits, list receivers, try one, see what was answered."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.commands.terminal import as_json_option, desk_at, show_json, show_table
from monitor.errors import MonitorError


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
        waiting = say_count(counts.get("waiting", 0), "message waits", "messages wait")
        click.echo(f"{say_count(attempts, 'attempt')}; {waiting}, {counts.get('dead', 0)} dead.")


@click.group("receivers")
def receivers_command() -> None:
    """Who is told."""


@receivers_command.command("list")
@as_json_option
@click.pass_obj
def list_receivers(config: Path, as_json: bool) -> None:
    """List receivers and the routes that lead to them."""
    with desk_at(config) as app:
        rows = []
        for receiver in app.settings.receivers:
            routes = [route.name for route in app.settings.routes.routes if receiver.name in route.receivers]
            rows.append((receiver.name, receiver.kind, ", ".join(routes)))
        if as_json:
            show_json([dict(zip(("name", "kind", "routes"), row, strict=True)) for row in rows])
        else:
            show_table(("receiver", "kind", "routes"), rows)


@receivers_command.command("test")
@click.argument("name")
@click.pass_obj
def test_receiver(config: Path, name: str) -> None:
    """Send a marked test message to the receiver NAME at once, and say what it answered."""
    from monitor.trial import send_test

    with desk_at(config) as app:
        for address, answer in send_test(app, name):
            click.echo(f"{address}: {answer}")


@click.group("deliveries")
def deliveries_command() -> None:
    """What was sent to whom, and how it was answered."""


@deliveries_command.command("list")
@click.option("--receiver", help="Only this receiver.")
@click.option("--dead", is_flag=True, help="Only messages that were refused or given up.")
@click.option("--limit", default=50, show_default=True, help="How many, newest first.")
@as_json_option
@click.pass_obj
def list_deliveries(config: Path, receiver: str | None, dead: bool, limit: int, as_json: bool) -> None:
    """List attempts, newest first."""
    with desk_at(config) as app:
        found = app.outbox.deliveries(limit=limit, receiver=receiver, dead=dead)
        if as_json:
            show_json([entry.__dict__ if hasattr(entry, "__dict__") else entry for entry in found])
            return
        rows = [
            (f"{d.at:%Y-%m-%d %H:%M:%S}", d.notification, d.receiver, str(d.attempt), d.outcome.value, d.answer) for d in found
        ]
        show_table(("at (UTC)", "notification", "receiver", "attempt", "outcome", "answer"), rows)


@deliveries_command.command("show")
@click.argument("notification")
@click.pass_obj
def show_delivery(config: Path, notification: str) -> None:
    """Show what was or would be sent for NOTIFICATION, with secrets masked."""
    from monitor.notify.worker import message_of

    with desk_at(config) as app:
        found = app.outbox.get(notification)
        notifier = app.notifiers.get(found.receiver.partition("#")[0])
        if notifier is None:
            raise MonitorError(f'the receiver "{found.receiver}" is not in config/receivers.yaml any more')
        show_json(notifier.show(message_of(found)))


@deliveries_command.command("retry")
@click.argument("notification", required=False)
@click.option("--all", "every", is_flag=True, help="Every dead message.")
@click.pass_obj
def retry_delivery(config: Path, notification: str | None, every: bool) -> None:
    """Put a dead message back into the queue, under the same id."""
    if (notification is None) == (not every):
        raise click.UsageError("name one notification, or --all")
    with desk_at(config) as app:
        names = [dead.id for dead in app.outbox.dead()] if every else [str(notification)]
        for name in names:
            app.outbox.retry(name)
        click.echo(f"{len(names)} put back; `monitor deliver` sends.")
