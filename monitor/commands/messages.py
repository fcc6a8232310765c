"""Messages: send what waits, list receivers and how they are doing, try one, put one back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.commands.subscribing import bounce, resubscribe, unsubscribe
from monitor.commands.terminal import as_json_option, by_option, desk_at, say, show_json, show_table

if TYPE_CHECKING:
    from monitor.app import App
    from monitor.settings import ReceiverSettings
    from monitor.store.deliveries import Depth
    from monitor.store.opt_outs import OptOut
    from monitor.store.receiver_states import ReceiverState


@click.command("deliver")
@click.pass_obj
def deliver_command(config: Path) -> None:
    """
    Send the messages that are due now.

    A receiver that delays is tried again later, over three days; one that refuses is not. What waits for the hours of its route
    is sent when they open. `monitor deliveries list --waiting` says what waits for what.
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
    """Say what waits, for hours or to be tried again, and what died; "" where all was sent."""
    from monitor.wording import say_count

    parts = []
    if counts["waiting"]:
        parts.append(f"{say_count(counts['waiting'], 'message waits', 'messages wait')} (monitor deliveries list --waiting)")
    if counts["dead"]:
        parts.append(f"{say_count(counts['dead'], 'message is', 'messages are')} dead (monitor deliveries list --dead)")
    return f"{'; '.join(parts)}." if parts else ""


@click.group("receivers")
def receivers_command() -> None:
    """Who is told."""


for command in (unsubscribe, resubscribe, bounce):
    receivers_command.add_command(command)


@receivers_command.command("list")
@as_json_option
@click.pass_obj
def list_receivers(config: Path, as_json: bool) -> None:
    """
    List receivers, their routes and fallbacks, and what waits for them.

    Below stand who is left alone or disabled, addresses that unsubscribed or have no mailbox, and secrets that are lacking.
    """
    from monitor.store.deliveries import depths

    with desk_at(config) as app:
        listed = _Listed(app, app.receiver_states.all(), depths(app.database), app.opt_outs.all())
        found = [(receiver, listed.record(receiver)) for receiver in app.settings.receivers]
    if as_json:
        show_json([record for _, record in found])
        return
    headings = ("receiver", "kind", "routes", "fallback", "waiting", "dead")
    show_table(headings, [_receiver_row(record) for _, record in found], right=(4, 5))
    for _, record in found:
        for state in record["states"]:
            say(_state_words(state))
        for left in record["left"]:
            say(f"{left['address']} gets nothing of {record['name']}: {left['words']}.")
    for receiver, _ in found:
        for mistake in receiver.lacking:
            say(f"{receiver.name} cannot be sent to: {mistake}")


@dataclass(frozen=True)
class _Listed:
    """What is known of each receiver."""

    app: App
    states: Mapping[str, ReceiverState]
    depths: Sequence[Depth]
    left: Sequence[OptOut]

    def record(self, receiver: ReceiverSettings) -> dict[str, Any]:
        """Return a receiver with its addresses as plain data."""
        depths = [depth for depth in self.depths if _is_of(depth.receiver, receiver.name)]
        states = [state for name, state in self.states.items() if _is_of(name, receiver.name)]
        oldest = min((depth.oldest for depth in depths if depth.oldest is not None), default=None)
        return {
            "name": receiver.name,
            "kind": receiver.kind,
            "routes": [route.name for route in self.app.settings.routes.every if receiver.name in route.receivers],
            "operators": receiver.name == self.app.settings.operators,
            "fallback": receiver.fallback,
            "per_minute": receiver.per_minute,
            "waiting": sum(depth.waiting for depth in depths),
            "oldest": oldest.isoformat() if oldest else None,
            "dead": sum(depth.dead for depth in depths),
            "left": [{"address": one.address, "words": one.words} for one in self.left if one.receiver == receiver.name],
            "states": [_state(state) for state in states if state.failures or state.disabled_at is not None],
            "lacking": [mistake.__dict__ for mistake in receiver.lacking],
        }


def _is_of(name: str, receiver: str) -> bool:
    return name.partition("#")[0] == receiver


def _receiver_row(record: Mapping[str, Any]) -> tuple[str, ...]:
    routes = ", ".join(record["routes"])
    return record["name"], record["kind"], routes, record["fallback"], str(record["waiting"]), str(record["dead"])


def _state(state: ReceiverState) -> dict[str, Any]:
    moments = ("failing_since", "closed_until", "disabled_at")
    said = {name: moment.isoformat() if (moment := getattr(state, name)) else None for name in moments}
    return {"receiver": state.receiver, "failures": state.failures, "why": state.why, "left_alone": state.is_open, **said}


def _state_words(state: Mapping[str, Any]) -> str:
    """Say how a receiver with trouble is doing."""
    name, why = state["receiver"], state["why"]
    if state["disabled_at"]:
        return f"{name} is disabled since {_minute(state['disabled_at'])}: {why}. `monitor receivers enable {name}` puts it back."
    from monitor.wording import say_count

    failed = f"{name} failed {say_count(state['failures'], 'time')} in a row since {_minute(state['failing_since'])}: {why}."
    return f"{failed} It is left alone until {_minute(state['closed_until'])}." if state["closed_until"] else failed


def _minute(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC"


@receivers_command.command("enable")
@click.argument("name")
@by_option
@click.pass_obj
def enable_receiver(config: Path, name: str, by: str) -> None:
    """
    Put a receiver back that is disabled or left alone; what waits for it is due at once.

    NAME is a receiver of config/receivers.yaml, or one address of it. `monitor deliveries retry` sends what died meanwhile.

    For example: monitor receivers enable buyers#analyst@example.org.
    """
    from monitor.delivering import enable

    with desk_at(config) as app:
        enable(app, name, by)
    say(f"{name} is called again.")


@receivers_command.command("test")
@click.argument("name")
@click.pass_obj
def try_receiver(config: Path, name: str) -> None:
    """
    Send a marked test message at once, and say what was answered.

    NAME is a receiver of config/receivers.yaml. Exits 1 if one of its addresses did not accept it, or a
    template of it is broken.

    For example: monitor receivers test desk.
    """
    from monitor.trial import send_test

    with desk_at(config) as app:
        trials = list(send_test(app, name))
    for trial in trials:
        say(f"{trial.address}: {trial.answer}" if trial.accepted else f"monitor: {trial.answer}", err=not trial.accepted)
    if not all(trial.accepted for trial in trials):
        raise SystemExit(1)


@receivers_command.command("schema")
def print_schema() -> None:
    """
    Print the JSON Schema of the body that a webhook with `form: json` gets.

    The data of a CloudEvent is `#/$defs/data` in it. For example: monitor receivers schema > message-1.json.
    """
    from monitor.notify.payload import schema

    click.echo(schema(), nl=False)
