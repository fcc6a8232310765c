"""What is wrong with entries beside others: a step that two claim, a route that no alert reaches, a task that nobody can do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pydantic import BaseModel

from monitor import registry
from monitor.configuration.entries import Place
from monitor.configuration.keys import SourceKeys
from monitor.errors import Mistake
from monitor.sources.calendar import Calendar
from monitor.wording import join_words
from monitor.yamlfile import Document, Loc, did_you_mean


def unread_list(place: Place, parameters: BaseModel) -> Iterator[Mistake]:
    """Yield what is wrong with the list of release days that an entry names."""
    calendar = getattr(parameters, "published", None)
    try:
        _ = calendar.listed if isinstance(calendar, Calendar) else None
    except ValueError as error:
        yield place.mistake("published", "dates", says=str(error))


def unknown_receivers(routes: Document, named: list[tuple[str, Loc]], known: list[str]) -> Iterator[Mistake]:
    """Yield a mistake for every name that no receiver has; without any receiver their file has a mistake of its own."""
    for name, loc in named if known else ():
        if name not in known:
            yield routes.mistake(loc, f'unknown receiver "{name}"{did_you_mean(name, known)}')


def wrong_fallbacks(places: list[Place]) -> Iterator[Mistake]:
    """Yield a mistake for every fallback that no other receiver is, or that leads back to where it began."""
    after = {place.name: str(place.data.get("fallback") or "") for place in places}
    for place in places:
        name = after[place.name]
        if name and name not in after:
            yield place.mistake("fallback", says=f'unknown receiver "{name}"{did_you_mean(name, after)}')
        elif place.name in (way := list(_way(name, after))):
            back = f"{place.name} → {' → '.join(way)}" if name != place.name else f"{name} itself"
            yield place.mistake("fallback", says=f"the fallback leads back to {back}; name a receiver that does not")


def _way(name: str, after: Mapping[str, str]) -> Iterator[str]:
    """Yield the receivers that fallbacks lead to, up to the first that stands there already."""
    seen: set[str] = set()
    while name and name not in seen:
        yield name
        seen.add(name)
        name = after.get(name, "")


def wrong_templates(place: Place) -> Iterator[Mistake]:
    """Yield a mistake for every template of a receiver that says nothing in its words."""
    kind = str(place.data.get("kind"))
    takes: tuple[str, ...] = getattr(registry.load("notifiers", kind), "templated", ())
    for part in place.data.get("templates") or {}:
        if part not in takes:
            said = f"it has templates for {join_words(list(takes))}" if takes else "it has no templates"
            yield place.mistake("templates", part, says=f'a receiver of the kind {kind} writes no "{part}"; {said}')


def idle_budget(place: Place) -> Iterator[Mistake]:
    """Yield a mistake for a budget that changes nothing: a receiver that keeps the state of alerts hears of every change."""
    kind = str(place.data.get("kind"))
    if "budget" in place.data and registry.load("notifiers", kind).keeps_state:
        yield place.mistake("budget", says=f"a receiver of the kind {kind} hears of every change; it has no budget")


def unheard_receivers(receivers: list[Place], told: Collection[str]) -> Iterator[Mistake]:
    """Yield a warning for every receiver that nothing is told."""
    for place in receivers:
        if place.name not in told:
            yield place.mistake("name", says=f'no route leads to the receiver "{place.name}"')


def same_steps(places: list[Place], entries: list[tuple[SourceKeys, BaseModel] | None]) -> Iterator[Mistake]:
    """Yield a mistake for every entry that is on and claims a step of a thread that another one is."""
    first: dict[tuple[str, int], str] = {}
    for place, entry in zip(places, entries, strict=True):
        stage = entry[0].stage if entry is not None and entry[0].enabled else None
        if stage is None or entry is None:
            continue
        name = f"{entry[0].name}/{entry[0].dataset}"
        taken = first.setdefault((stage.thread, stage.step), name)
        if taken != name:
            yield place.mistake("stage", "step", says=f"step {stage.step} of {stage.thread} is {taken} already")


def wrong_task(
    place: Place, keys: SourceKeys, parameters: BaseModel, receivers: Collection[str], baskets: Collection[str]
) -> Iterator[Mistake]:
    """Yield what is wrong with the task of an entry: nobody there, nothing known of the codes, or nothing for a person to do."""
    task = keys.task
    assert task is not None
    for key, name in (("owner", task.owner), ("escalate_to", task.escalate_to)):
        if name and name not in receivers:
            yield place.mistake("task", key, says=f'unknown receiver "{name}"{did_you_mean(name, receivers)}')
    if task.basket and task.basket not in baskets:
        yield place.mistake("task", "basket", says=f'unknown basket "{task.basket}"{did_you_mean(task.basket, baskets)}')
    if not hasattr(registry.load("sources", keys.kind), "from_files"):
        yield place.mistake("task", says=f"the kind {keys.kind} asks its source itself; a task is for files a person fetches")
    elif getattr(parameters, "published", None) is None:
        yield place.mistake("task", says='a task needs "published", the calendar that says when it is due')
