"""What several pages of one thread say when they are told together, as one page: nothing is left out, nothing is said twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from monitor.alerts.messages import AlertState, Attachment, Digest
from monitor.wording import join_words

LONGEST_SUBJECT = 150

Said = TypeVar("Said")


def told_together(digests: Sequence[Digest]) -> Digest:
    """
    Return one page of several, oldest first.

    Lines keep their order within each section. Of an alert that changed more than once machines are told how it stands now.
    What stands at the foot says which page it belongs to.
    """
    first, *others = digests
    if not others:
        return first
    return replace(
        first,
        subject=_subject(digests),
        title=join_words(list(dict.fromkeys(digest.title for digest in digests))),
        kind=first.kind if _alike(digest.kind for digest in digests) else "release",
        lines=tuple(line for digest in digests for line in digest.lines),
        more=_each((digest.title, digest.more) for digest in digests),
        still_open=_each((digest.title, digest.still_open) for digest in _newest(digests)),
        not_judged=_each((digest.title, digest.not_judged) for digest in digests),
        chance=_each((digest.title, digest.chance) for digest in digests),
        revised=_once(sentence for digest in digests for sentence in digest.revised),
        notes=_once(sentence for digest in digests for sentence in digest.notes),
        credit=" ".join(_once(digest.credit for digest in digests if digest.credit)),
        alerts=_as_they_stand(digests),
        attachments=_attachments(digests),
        group=_shared([digest.group for digest in digests]),
        conversation=first.conversation if _alike(digest.conversation for digest in digests) else "",
    )


def _subject(digests: Sequence[Digest]) -> str:
    """Say each page's subject while they fit into one line, else how many there are and what they are about."""
    subjects = list(_once(digest.subject for digest in digests))
    whole = "; ".join(subjects)
    if len(whole) <= LONGEST_SUBJECT:
        return whole
    titles = _once(digest.title for digest in digests)
    named, left = titles[:2], len(titles) - 2
    return f"{len(digests)} messages: {', '.join(named)}{f' and {left} more' if left > 0 else ''}"


def _each(said: Iterable[tuple[str, str]]) -> str:
    """Put sentences of several pages together, each behind the page that it is about; one alone needs no name."""
    found = list(dict.fromkeys((title, words) for title, words in said if words))
    return found[0][1] if len(found) == 1 else " ".join(f"{title}: {words}" for title, words in found)


def _newest(digests: Sequence[Digest]) -> list[Digest]:
    """Return the last page of each dataset: what stayed open is said as it is now."""
    return list({(digest.source, digest.dataset): digest for digest in digests}.values())


def _as_they_stand(digests: Sequence[Digest]) -> tuple[AlertState, ...]:
    """Return the last state of every alert under each of its label sets."""
    states = [state for digest in digests for state in digest.alerts]
    return tuple({(state.episode, tuple(sorted(state.labels.items()))): state for state in states}.values())


def _attachments(digests: Sequence[Digest]) -> tuple[Attachment, ...]:
    """Return all files, numbered where two have one name."""
    found: dict[str, Attachment] = {}
    for attachment in _once(one for digest in digests for one in digest.attachments):
        name, number = attachment.name, 2
        while name in found:
            stem, dot, suffix = attachment.name.rpartition(".")
            name, number = f"{stem or suffix}-{number}{dot}{suffix if stem else ''}", number + 1
        found[name] = replace(attachment, name=name)
    return tuple(found.values())


def _shared(groups: Sequence[dict[str, str]]) -> dict[str, str]:
    """Return what all groups have in common; the first where they have nothing."""
    same = {name: value for name, value in groups[0].items() if all(group.get(name) == value for group in groups)}
    return same or groups[0]


def _alike(values: Iterable[str]) -> bool:
    return len(set(values)) == 1


def _once(found: Iterable[Said]) -> tuple[Said, ...]:
    return tuple(dict.fromkeys(found))
