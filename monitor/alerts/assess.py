"""
What one release means: verdicts folded into episodes, differences recorded, and the pages that tell them.

A pure function of the panel, the rules and what is stored; nothing here reads a clock, a file or a database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from monitor.alerts.again import no_longer, said_again
from monitor.alerts.cells import Item
from monitor.alerts.chance import rate_of
from monitor.alerts.confirming import cleared_items
from monitor.alerts.episodes import fold
from monitor.alerts.evaluation import Evaluation, RuleCounts
from monitor.alerts.evidence import Found, retirement, transition, transition_id
from monitor.alerts.feedback import is_doubted, redirections
from monitor.alerts.items import Start, items
from monitor.alerts.labels import labels_of
from monitor.alerts.pages import Pages, Written
from monitor.alerts.records import Change, Episode, State, Transition
from monitor.alerts.retelling import retold
from monitor.alerts.revisions import Changed, Subject, difference
from monitor.alerts.sifting import Sifted, sift
from monitor.alerts.situation import Desk, Situation
from monitor.judge import Bench, Verdicts, judge
from monitor.months import Month
from monitor.panel import Bools, Panel
from monitor.rules.levels import Level
from monitor.rules.schema import Rule
from monitor.series import Release, Revision
from monitor.speech import PLAIN, spoken
from monitor.wording import say_count

NOTHING_THAT_MATTERS = "nothing that matters changed"
RULE_EDITED = "rule changed"


def assess(situation: Situation, desk: Desk) -> Evaluation:
    """Judge one release and return everything that it changed."""
    return _Assessment(situation, desk).evaluation()


class _Assessment:
    def __init__(self, situation: Situation, desk: Desk) -> None:
        self.situation, self.desk = situation, desk
        watching = [rule for rule in desk.rules if _watches(rule, situation.release)]
        self.verdicts = judge(Bench(situation.panel), watching)
        self.first = situation.horizon is None
        self.starts = self.first or situation.starts
        self.horizon = situation.live_from - 1 if situation.horizon is None else situation.horizon
        self.stored = {episode.id: episode for episode in situation.stored}
        self.found: list[Found] = []
        self.episodes: dict[str, Episode] = {}
        self.revisions: dict[str, list[Revision]] = {}
        for revision in situation.revisions:
            self.revisions.setdefault(str(revision.key), []).append(revision)

    def evaluation(self) -> Evaluation:
        """Fold, compare, and tell."""
        for verdicts in self.verdicts:
            self._fold_rule(verdicts)
        retired = self._retire()
        starts = [*self._open_at_start(), *self._said_again()]
        told = {n: self._numbered(n, item) for n, item in items(self.found, starts, self.desk, late=self.situation.late).items()}
        sifted = sift([*told.values(), *self._cleared(told.values())], self._left(), self.desk)
        self._note_held(sifted)
        counts = tuple(self._counts(verdicts) for verdicts in self.verdicts)
        kept = [self._doubted(item) for item in self._with_what_ended(sifted.kept)]
        quiet = self._unsaid(kept)

        def write() -> Written:
            return self._pages(counts).write([item.anew() for item in kept], quiet, sifted.held)

        written = retold(self._pages(counts).write(kept, quiet, sifted.held), self.desk.receivers, write)
        self._note_sent([*(item.episode for item in kept), *quiet])
        return Evaluation(
            release=self.situation.release,
            version=self.desk.version,
            evaluated_at=self.situation.at,
            after=self.situation.after,
            counts=counts,
            episodes=tuple(self.episodes.values()),
            transitions=(*(transition(f, told.get(n), self.situation, self.desk) for n, f in enumerate(self.found)), *retired),
            notifications=written.notifications,
            told=written.told,
            suppressions=(*sifted.suppressions, *redirections(kept), *written.suppressions),
            verdicts=tuple(self._kept_verdicts()),
        )

    def _pages(self, counts: tuple[RuleCounts, ...]) -> Pages:
        situation = self.situation if spoken() == PLAIN else self.situation.anew()
        return Pages(
            situation,
            self.desk,
            counts=counts,
            changed=self.episodes,
            by_chance=self._by_chance(),
            watching=tuple(_example(verdicts) for verdicts in self.verdicts if verdicts.keys and not verdicts.rule.is_data),
            notes=self._notes(situation.notes),
        )

    def _fold_rule(self, verdicts: Verdicts) -> None:
        rule = verdicts.rule
        names = {rule.name, *rule.renamed_from}
        stored: dict[str, list[Episode]] = {}
        for episode in self.situation.stored:
            if episode.rule in names:
                stored.setdefault(str(episode.key), []).append(episode)
        changed_rule = not self.first and self._is_new_version(rule)
        known = 0 if self.first else min(self.horizon - verdicts.panel.start + 1, verdicts.panel.shape[1])
        speaks: Bools = np.any(verdicts.level > 0, axis=1)
        for row, key in enumerate(verdicts.keys):
            mine = stored.get(str(key), [])
            if speaks[row] or mine:
                self._fold_series(verdicts, row, mine, max(known, 0), changed_rule)

    def _is_new_version(self, rule: Rule) -> bool:
        last = [self.situation.versions.get(name) for name in (rule.name, *rule.renamed_from)]
        return rule.version not in last

    def _fold_series(self, verdicts: Verdicts, row: int, stored: list[Episode], known: int, changed_rule: bool) -> None:
        rule, key = verdicts.rule, verdicts.keys[row]
        cells, conduct = verdicts.cells(row), verdicts.conduct
        before, after = fold(conduct, cells.cut(known)), fold(conduct, cells)
        subject = Subject(rule=rule.name, version=rule.version, key=key, labels=labels_of(rule, key))
        found = difference(subject, stored, before, after, horizon=self.horizon, live_from=self.situation.live_from)
        for episode in found.episodes:
            self.episodes[episode.id] = episode
        past_is_quiet = RULE_EDITED if changed_rule else ""
        for changed in found.changes:
            is_past = changed.step.month <= self.horizon
            self._record(changed, verdicts, row, past_is_quiet if is_past else "")

    def _record(self, changed: Changed, verdicts: Verdicts, row: int, quiet: str) -> None:
        if changed.step.change is Change.LAPSED:
            quiet = quiet or "never said"
        elif (self.starts and changed.step.month < self.situation.live_from) or self.situation.release.as_history:
            quiet = "history"
        elif not changed.tell:
            quiet = quiet or NOTHING_THAT_MATTERS
        if quiet == RULE_EDITED:
            untold = replace(changed.episode, history=changed.episode.history or changed.old is None)
            changed = replace(changed, step=replace(changed.step, change=Change.RULE_CHANGED), episode=untold)
            self.episodes[untold.id] = untold
        if not quiet and changed.episode.opened_at is None:
            changed = replace(changed, episode=self._opened(changed.episode))
        revisions = self._revised(changed)
        self.found.append(Found(changed=changed, verdicts=verdicts, row=row, revisions=revisions, quiet=quiet))

    def _opened(self, episode: Episode) -> Episode:
        """Note when an alert was first told of; what is stored keeps its newest path, which later months may have moved on."""
        at = self.situation.release.published_at
        self.episodes[episode.id] = replace(self.episodes.get(episode.id, episode), opened_at=at, history=False)
        return replace(episode, opened_at=at, history=False)

    def _revised(self, changed: Changed) -> tuple[Revision, ...]:
        """Return the revised figures of a series, first the month of the change."""
        mine = self.revisions.get(str(changed.episode.key), [])
        return tuple(sorted(mine, key=lambda revision: (revision.period != changed.step.month, revision.period)))

    def _retire(self) -> list[Transition]:
        """End the open episodes whose rule or series is gone; the record says so, nobody is told."""
        still_open = [episode for episode in self.situation.stored if episode.path.state.is_open]
        keys = {episode.key for episode in still_open}
        watched = {(verdicts.rule.name, key) for verdicts in self.verdicts for key in keys.intersection(verdicts.keys)}
        former = {name: verdicts.rule.name for verdicts in self.verdicts for name in verdicts.rule.renamed_from}
        gone = [episode for episode in still_open if (former.get(episode.rule, episode.rule), episode.key) not in watched]
        for episode in gone:
            self.episodes[episode.id] = replace(episode, path=replace(episode.path, state=State.RETIRED))
        return [retirement(episode, self.situation, self.desk) for episode in gone]

    def _open_at_start(self) -> list[Start]:
        if not self.starts or self.situation.release.as_history:
            return []
        told = self._changing()
        firing = [e for e in self._left().stored if e.path.state is State.FIRING and e.id not in told]
        return [(*place, self._opened(episode), None) for episode, place in self._places(firing)]

    def _said_again(self) -> list[Start]:
        """
        Return the alerts that stay and are said once more, with why.

        What changed in this release is said as it is, and once more only to somebody who has heard nothing of it.
        """
        if self.starts:
            return []
        told = self._changing()
        found = said_again(self._left(), self.desk)
        again = [(episode, why) for episode, why in found if episode.id not in told or why.newly]
        places = {episode.id: place for episode, place in self._places([episode for episode, _ in again])}
        return [(*places[episode.id], episode, why) for episode, why in again if episode.id in places]

    def _changing(self) -> set[str]:
        """Return the alerts of which this release has a change to tell."""
        return {found.changed.episode.id for found in self.found if not found.quiet}

    def _left(self) -> Situation:
        """Return the situation as the release leaves it."""
        return replace(self.situation, stored=tuple((self.stored | self.episodes).values()))

    def _places(self, episodes: Collection[Episode]) -> list[tuple[Episode, tuple[Verdicts, int]]]:
        """Return alerts with the verdicts that watch them, and their row in them."""
        keys = {episode.key for episode in episodes}
        rows = {(v.rule.name, key): (v, row) for v in self.verdicts for row, key in enumerate(v.keys) if key in keys}
        return [(episode, rows[place]) for episode in episodes if (place := (episode.rule, episode.key)) in rows]

    def _numbered(self, number: int, item: Item) -> Item:
        """Give an item what people did with its alert, and the id of the change that it tells; what stays has none."""
        item = replace(item, handling=self.situation.handling(item.episode))
        if item.change is None:
            return item
        step = self.found[number].changed.step
        return replace(item, transition=transition_id(item.episode, step.change, step.month, self.situation, self.desk))

    def _doubted(self, item: Item) -> Item:
        """Mark what rests on a figure that somebody called a data error."""
        if item.handling.feedback is None:
            return item
        places = [place for _, place in self._places([item.episode])]
        doubted = any(is_doubted(item, verdicts.panel.values[row], verdicts.panel.start) for verdicts, row in places)
        return replace(item, doubted=doubted)

    def _cleared(self, told: Collection[Item]) -> list[Item]:
        """Return what another stage told of the new months and this one's figures do not bear out."""
        if self.situation.release.as_history:
            return []
        fresh = [s for s in self.situation.said if s.month > max(self.horizon, self.situation.live_from - 1)]
        return cleared_items(fresh, self.verdicts, told, self.desk.names)

    def _unsaid(self, kept: Iterable[Item]) -> list[Episode]:
        """Return the alerts that machines hold under labels which are not theirs any more, and no line tells as they stand."""
        said = {item.episode.id: item.episode.fires_as for item in kept}
        left = [replace(e, sent=said.get(e.id, e.sent)) for e in self.episodes.values() if e.held is not None or e.id not in said]
        changed = [e for e in left if e.sent and e.sent != e.fires_as]
        return [e if e.held is None else replace(e, path=replace(e.path, state=State.RESOLVED)) for e in changed]

    def _note_held(self, sifted: Sifted) -> None:
        """Note with each alert what holds it back; somebody who is told of it may be told of it again."""
        for item, one in sifted.outcomes:
            self._keep(item.episode, held=None if one is None else one.held)

    def _with_what_ended(self, kept: Iterable[Item]) -> list[Item]:
        """Say with the first change of an alert that was held back why it is told of again."""
        said: set[str] = set()
        found = []
        for item in kept:
            over = not item.episode.path.state.is_open
            words = "" if over or item.again or item.episode.id in said else no_longer(item.episode, self.situation)
            said.add(item.episode.id)
            found.append(replace(item, outcome=f"{item.outcome}; {words}") if words else item)
        return found

    def _keep(self, episode: Episode, **noted: Any) -> None:
        """Note something with an alert of this dataset; one that stays as it is stored is not written again."""
        stored = self.episodes.get(episode.id) or self.stored.get(episode.id)
        if stored is not None and (changed := replace(stored, **noted)) != stored:
            self.episodes[episode.id] = changed

    def _note_sent(self, told: Iterable[Episode]) -> None:
        for one in told:
            self._keep(one, sent=one.fires_as)

    def _by_chance(self) -> tuple[int, float]:
        """Count the cells that rules judge by surprise, each once, and add up how many would open an alert by chance."""
        cells: dict[tuple[str, int], float] = {}
        for verdicts in self.verdicts:
            fresh = self._fresh(verdicts.panel)
            chance = rate_of(verdicts, fresh.start)
            rows, columns = np.nonzero(verdicts.judged[:, fresh]) if chance is not None else ((), ())
            for row, column in zip(rows, columns, strict=True):
                cell = (str(verdicts.keys[row]), int(column) + fresh.start)
                cells[cell] = max(cells.get(cell, 0.0), chance or 0.0)
        return len(cells), sum(cells.values())

    def _fresh(self, panel: Panel) -> slice:
        """Return the columns that this release brought: the live months not judged before."""
        first = max(self.horizon + 1, self.situation.live_from) - panel.start
        return slice(max(first, 0), panel.shape[1])

    def _counts(self, verdicts: Verdicts) -> RuleCounts:
        fresh = self._fresh(verdicts.panel)
        judged = verdicts.judged[:, fresh]
        chance = rate_of(verdicts, fresh.start)
        return RuleCounts(
            rule=verdicts.rule.name,
            version=verdicts.rule.version,
            place=verdicts.rule.place,
            judged=int(judged.sum()),
            not_judged=int((~judged).sum()),
            at_level=int((verdicts.level[:, fresh] > 0).sum()),
            by_chance=float(judged.sum() * chance) if chance is not None else None,
        )

    def _notes(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """Return the count lines: what changed in the record without a line of its own."""
        old = sum(found.quiet == NOTHING_THAT_MATTERS and found.changed.old is not None for found in self.found)
        edited = sum(found.quiet == RULE_EDITED for found in self.found)
        notes = list(before)
        if old:
            words = say_count(old, "earlier record was", "earlier records were")
            notes.append(f"{words} corrected by revisions without effect today.")
        if edited:
            notes.append(edited_words(edited))
        return tuple(notes)

    def _kept_verdicts(self) -> Iterable[tuple[str, str, Month, Level]]:
        for verdicts in self.verdicts:
            fresh = self._fresh(verdicts.panel)
            rows, columns = np.nonzero(verdicts.level[:, fresh] > 0)
            for row, column in zip(rows, columns + fresh.start, strict=True):
                level = Level(int(verdicts.level[row, column]))
                yield verdicts.rule.name, str(verdicts.keys[row]), int(verdicts.panel.start + column), level


def edited_words(count: int) -> str:
    """Say how many records changed because somebody edited rules."""
    return f"{say_count(count, 'record')} changed because rules were edited."


def _example(verdicts: Verdicts) -> dict[str, str]:
    """Return the labels that an alert of a rule would have, at its lowest level."""
    return {**labels_of(verdicts.rule, verdicts.keys[0]), "severity": verdicts.rule.levels[-1][0].label}


def _watches(rule: Rule, release: Release) -> bool:
    watch = rule.watch
    return watch.source in (None, release.source) and watch.dataset in (None, release.dataset)
