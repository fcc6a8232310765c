"""What people do with an alert: know of it, own it, put it off, say what it means and whether it is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from monitor.alerts.handling import Deed, Impact, Opinion
from monitor.commands.terminal import by_option, desk_at, say

MOST_MONTHS = 36

comment_option = click.option("--comment", default="", help="Why, in one line.")
alert_argument = click.argument("alert")


def _done(config: Path, alert: str, deed: Deed, by: str, **said: Any) -> None:
    """Write an act down, and say how the alert is handled now."""
    from monitor.acting import do
    from monitor.months import say_month

    with desk_at(config) as app:
        done = do(app, alert, deed, by=by, **said)
        names = app.names(done.episode.key.source, done.episode.key.dataset)
    path, first = done.episode.path, done.handling.acknowledged
    which = f"{done.episode.rule}, {path.level.label} since {say_month(path.since)}"
    say(f"{names.title(done.episode.key)} ({which}): {done.act.words}.")
    if deed is Deed.ACKNOWLEDGE and first is not None and first != done.act:
        say(f"It was acknowledged by {first.by} on {first.day} before.")


@click.command("ack")
@alert_argument
@comment_option
@by_option
@click.pass_obj
def ack(config: Path, alert: str, comment: str, by: str) -> None:
    """
    Acknowledge an open alert.

    Somebody knows of it, so it is told to no second receiver. What gets worse is not acknowledged any more. For example:
    monitor alerts ack 85d2001d --comment "licence pending".
    """
    _done(config, alert, Deed.ACKNOWLEDGE, by, comment=comment)


@click.command("unack")
@alert_argument
@comment_option
@by_option
@click.pass_obj
def unack(config: Path, alert: str, comment: str, by: str) -> None:
    """
    Take an acknowledgement back.

    For example: monitor alerts unack 85d2001d --comment "nobody is on it".
    """
    _done(config, alert, Deed.TAKE_BACK, by, comment=comment)


@click.command("own")
@alert_argument
@click.argument("name")
@by_option
@click.pass_obj
def own(config: Path, alert: str, name: str, by: str) -> None:
    """
    Say whose alert it is: NAME stands beside it from now on.

    For example: monitor alerts own 85d2001d grace.
    """
    _done(config, alert, Deed.OWN, by, value=name)


@click.command("snooze")
@alert_argument
@click.option(
    "--months",
    required=True,
    type=click.IntRange(0, MOST_MONTHS),
    help="With how many months of figures; 0 ends a snooze.",
)
@comment_option
@by_option
@click.pass_obj
def snooze(config: Path, alert: str, months: int, comment: str, by: str) -> None:
    """
    Say nothing of an open alert for some months of figures.

    What gets worse is said all the same. Months are those of the figures, not of the calendar. If it is still open after
    them, that is said once. For example: monitor alerts snooze 85d2001d --months 3.
    """
    _done(config, alert, Deed.SNOOZE, by, months=months, comment=comment)


@click.command("impact")
@alert_argument
@click.argument("impact", type=click.Choice([one.value for one in Impact]))
@comment_option
@by_option
@click.pass_obj
def impact(config: Path, alert: str, impact: str, comment: str, by: str) -> None:
    """
    Say what an alert means for this desk, beside its level.

    "confirmed" is said as "confirmed by supplier". For example: monitor alerts impact 85d2001d confirmed --comment "two
    months of stock".
    """
    _done(config, alert, Deed.IMPACT, by, value=impact, comment=comment)


@click.command("feedback")
@alert_argument
@click.argument("opinion", type=click.Choice([one.value for one in Opinion]))
@comment_option
@by_option
@click.pass_obj
def feedback(config: Path, alert: str, opinion: str, comment: str, by: str) -> None:
    """
    Say whether an alert is right.

    What is told of its series from now on follows from it. real: nothing changes. expected: alerts like it are not told for
    12 months of figures. data-error: operators hear of it until its figure is revised. new-normal: nothing more is told of
    it, and of alerts like it for 24 months. What is worse is told all the same. `monitor rules report` counts what people
    say. For example: monitor alerts feedback 85d2001d expected.
    """
    _done(config, alert, Deed.FEEDBACK, by, value=opinion, comment=comment)


@click.command("comment")
@alert_argument
@click.argument("text")
@by_option
@click.pass_obj
def comment(config: Path, alert: str, text: str, by: str) -> None:
    """
    Write a line beside an alert.

    For example: monitor alerts comment 85d2001d "asked the supplier on 3 June".
    """
    _done(config, alert, Deed.COMMENT, by, comment=text)


HANDLED = ("acknowledged by", "owner", "impact", "feedback")
"""The columns of a list of alerts that say how they are handled."""

ACTS: tuple[click.Command, ...] = (ack, unack, own, snooze, impact, feedback, comment)
"""The commands that `monitor alerts` takes in."""
