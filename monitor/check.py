"""Rules, baskets, sources, receivers and routes, checked together and offline: every mistake at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from monitor import yamlfile
from monitor.alerts.labels import label_names
from monitor.app import App
from monitor.baskets.loading import load_baskets
from monitor.baskets.partners import load_partner_groups
from monitor.configuration.entries import Place
from monitor.configuration.inhibit_checks import unknown_labels
from monitor.errors import ConfigError, Mistake, StoreError, TemplateBroken
from monitor.notify.templates import look_over
from monitor.panel import Panel
from monitor.rules.loading import load_rule_set, mixes_bases, resolve, rivals
from monitor.rules.schema import Rule
from monitor.series import Basis
from monitor.settings import Settings
from monitor.store.database import Database
from monitor.wording import say_count

Loaded = TypeVar("Loaded")
Panels = Mapping[tuple[str, str], Panel]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check found; `notes` say what could not be checked, `summary` how much is fine."""

    mistakes: tuple[Mistake, ...]
    warnings: tuple[Mistake, ...] = ()
    notes: tuple[str, ...] = ()
    summary: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "mistakes": [mistake.__dict__ for mistake in self.mistakes],
            "warnings": [warning.__dict__ for warning in self.warnings],
            "notes": list(self.notes),
        }


def check(config: Path, *, figures: bool = True) -> Checked:
    """
    Check a desk's files against each other, and, with `figures`, its rules against the figures held, if there are any.

    Raises
    ------
    SettingsError
        If there is no such folder.
    StoreError
        If the figures held cannot be read.
    """
    mistakes: list[Mistake] = []
    settings = _collect(mistakes, lambda: Settings.load(config, os.environ))
    if settings is None:
        mistakes += _rules_alone(config)
        return Checked(mistakes=tuple(dict.fromkeys(mistakes)))
    mistakes += settings.lacking
    mistakes += _wrong_templates(settings)
    app = App(settings)
    try:
        ruleset = _collect(mistakes, lambda: app.ruleset)
        if ruleset is None:
            return Checked(mistakes=tuple(mistakes), warnings=settings.warnings)
        warnings = [*settings.warnings, *_unknown_labels(app, config)]
        if not figures:
            return Checked(mistakes=tuple(mistakes), warnings=tuple(warnings))
        return _against_figures(app, mistakes, warnings)
    finally:
        app.close()


def _wrong_templates(settings: Settings) -> list[Mistake]:
    """Return what is wrong with receivers' own templates, each told once."""
    found = []
    for template in sorted({path for receiver in settings.receivers for path in receiver.templates.values()}):
        try:
            look_over(template)
        except TemplateBroken as error:
            found.append(Mistake(error.file, error.line or 1, 1, error.why))
    return found


def _collect(mistakes: list[Mistake], load: Callable[[], Loaded]) -> Loaded | None:
    """Return what loads; None, and its mistakes are added, where a person must mend a file first."""
    try:
        return load()
    except ConfigError as error:
        if not error.mistakes:
            raise
        mistakes += error.mistakes
        return None


def _rules_alone(config: Path) -> list[Mistake]:
    """Return the mistakes of the rules where ``config/`` has some too, as far as they can be told without it."""
    mistakes: list[Mistake] = []
    rules, baskets, partners = (config.resolve().parent / "rules", config / "baskets.yaml", config / "partners.yaml")
    if not rules.is_dir() or not baskets.exists() or not partners.exists():
        return []
    known = _collect(mistakes, lambda: load_baskets(baskets))
    groups = _collect(mistakes, lambda: load_partner_groups(partners))
    if known is not None and groups is not None:
        _collect(mistakes, lambda: load_rule_set(rules, baskets=known.baskets, partner_groups=groups))
    return mistakes


def _unknown_labels(app: App, config: Path) -> list[Mistake]:
    """Return the labels in rules of inhibition that no alert has."""
    rules, document = app.settings.inhibitions, yamlfile.read(config / "routes.yaml")
    places = [Place(document, ("inhibit", n)) for n in range(len(rules))]
    return list(unknown_labels(rules, places, label_names(app.ruleset.rules)))


def _against_figures(app: App, mistakes: list[Mistake], warnings: list[Mistake]) -> Checked:
    """Find the rules that watch nothing, or that two sources could feed, beside what is found already."""
    held, notes = _panels(app)
    every = [key for panel in held.values() for key in panel.keys]
    for rule in app.ruleset.rules if held else ():
        if len(found := rivals(rule, every)) > 1:
            mistakes.append(_at(rule, f'rule "{rule.name}" fits {" and ".join(found)}; name the source under watch'))
        elif mixes_bases(rule, every):
            sentence = "would watch one flow as its reporter tells it and as its partners do; write basis: reported, or mirror"
            mistakes.append(_at(rule, f'rule "{rule.name}" {sentence}'))
        elif _waits_for_mirror(rule, app):
            continue
        elif sentence := _watches_nothing(rule, held):
            # Only a rule that names its source says where its figures must be.
            (mistakes if rule.watch.source and _may_watch(rule, held) else warnings).append(_at(rule, sentence))
    return Checked(mistakes=tuple(mistakes), warnings=tuple(warnings), notes=notes, summary=_summary(app))


def _waits_for_mirror(rule: Rule, app: App) -> bool:
    """Tell whether a rule is about partners' figures on a desk that has none: the shipped one waits for an entry of them."""
    return rule.watch.basis is Basis.MIRROR and not any(entry.basis is Basis.MIRROR for entry in app.entries)


def _watches_nothing(rule: Rule, held: Panels) -> str:
    panels = _may_watch(rule, held)
    if not panels:
        return f'rule "{rule.name}" watches nothing yet: no figures of {rule.watch.source or "its sources"} are held'
    watched = [resolve(rule, panel) for panel in panels]
    if any(len(found.rows) for found in watched):
        return ""
    if not rule.watch.source:
        return f'rule "{rule.name}" watches nothing of the figures held; `monitor rules show {rule.name}` says why'
    why = list(dict.fromkeys(reason for found in watched for reason in found.reasons))
    return f'rule "{rule.name}" watches nothing of the figures held: {"; ".join(why)}'


def _may_watch(rule: Rule, held: Panels) -> list[Panel]:
    return [
        panel
        for (source, dataset), panel in held.items()
        if rule.watch.source in (None, source) and rule.watch.dataset in (None, dataset)
    ]


def _at(rule: Rule, sentence: str) -> Mistake:
    path, _, line = rule.place.rpartition(":")
    return Mistake(path, int(line), 1, sentence)


def _summary(app: App) -> str:
    rules, settings = app.ruleset, app.settings
    return (
        f"{say_count(len(rules.rules) + len(rules.operations), 'rule')}, {say_count(len(settings.sources), 'source')}, "
        f"{say_count(len(settings.receivers), 'receiver')} and {say_count(len(settings.routes.routes), 'route')}: no mistake."
    )


def _panels(app: App) -> tuple[Panels, tuple[str, ...]]:
    """Return the figures held, or a note why none are; makes no database where there is none."""
    database = Database(app.settings.database.get_secret_value())
    there = database.is_postgresql or Path(database.place).exists()
    try:
        held = {(s, d): app.figures.panel(s, d) for s, d in app.releases.datasets()} if there else {}
    except StoreError as error:
        if not database.is_postgresql:
            raise
        return {}, (f"The rules are not checked against the figures held: {error}",)
    return held, () if held else ("No figures are held yet: which series the rules watch is checked after `monitor run`.",)
