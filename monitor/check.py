"""Rules, baskets, sources, receivers and routes, checked together and offline: every mistake at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from monitor.app import App
from monitor.errors import ConfigError, Mistake, RuleError, SettingsError
from monitor.rules.loading import resolve, rivals
from monitor.rules.schema import Rule
from monitor.settings import Settings
from monitor.store.database import Database
from monitor.wording import say_count


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check found; `summary` says how much is fine."""

    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...]
    summary: str


def check(config: Path) -> Checked:
    """Check a desk's files against each other, and its rules against the figures held, if there are any."""
    mistakes: list[Mistake] = []
    settings = _collect(mistakes, lambda: Settings.load(config, os.environ))
    if settings is None:
        return Checked(mistakes=tuple(mistakes), warnings=(), summary="")
    app = App(settings)
    ruleset = _collect(mistakes, lambda: app.ruleset)
    if ruleset is None:
        return Checked(mistakes=tuple(mistakes), warnings=settings.warnings, summary="")
    wrong, odd = _against_figures(app)
    summary = (
        f"{say_count(len(ruleset.rules) + len(ruleset.operations), 'rule')}, {say_count(len(settings.sources), 'source')}, "
        f"{say_count(len(settings.receivers), 'receiver')} and {say_count(len(settings.routes.routes), 'route')}: no mistake."
    )
    return Checked(mistakes=tuple(wrong), warnings=(*settings.warnings, *odd), summary=summary)


def _collect(mistakes, load):  # type: ignore[no-untyped-def]
    try:
        return load()
    except (SettingsError, RuleError, ConfigError) as error:
        mistakes += error.mistakes or (Mistake("config", 1, 1, str(error)),)
        return None


def _against_figures(app: App) -> tuple[list[Mistake], list[Mistake]]:
    """Return the rules that watch nothing, or that two sources could feed, as mistakes and warnings."""
    mistakes: list[Mistake] = []
    warnings: list[Mistake] = []
    held = _panels(app)
    every = [key for panel in held.values() for key in panel.keys]
    for rule in app.ruleset.rules:
        if len(found := rivals(rule, every)) > 1:
            mistakes.append(_at(rule, f'rule "{rule.name}" fits {" and ".join(found)}; name the source under watch'))
        panels = [p for name, p in held.items() if _may_watch(rule, *name)]
        if panels and not any(len(resolve(rule, panel).rows) for panel in panels):
            mistakes.append(_at(rule, f'rule "{rule.name}" watches nothing of the figures held'))
        if not panels:
            warnings.append(_at(rule, f'rule "{rule.name}" cannot be checked against figures: none are held yet'))
    return mistakes, warnings


def _may_watch(rule: Rule, source: str, dataset: str) -> bool:
    return rule.watch.source in (None, source) and rule.watch.dataset in (None, dataset)


def _at(rule: Rule, sentence: str) -> Mistake:
    path, _, line = rule.place.rpartition(":")
    return Mistake(path, int(line), 1, sentence)


def _panels(app: App):  # type: ignore[no-untyped-def]
    """Return what is held, without making a database where there is none."""
    if not Database.exists(app.settings.database.get_secret_value()):
        return {}
    return {(s, d): app.figures.panel(s, d) for s, d in app.releases.datasets()}
