"""The same pages for readers who write numbers and days otherwise: from the same facts, once for each way of speaking."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from monitor.alerts.messages import Notification
from monitor.alerts.pages import Written
from monitor.alerts.situation import Reach
from monitor.speech import PLAIN, Speech, speaking


def retold(written: Written, receivers: Mapping[str, Reach], write: Callable[[], Written]) -> Written:
    """
    Return pages in which each receiver reads its own way of writing.

    Parameters
    ----------
    written : Written
        The pages, said plainly.
    receivers : mapping of str to Reach
    write : callable
        Writes the same pages anew, in the way that is spoken while it runs.
    """
    speeches = {name: reach.speech for name, reach in receivers.items()}
    wanted = {_speech(note, speeches) for note in written.notifications} - {PLAIN}
    anew: dict[str, Notification] = {}
    for speech in wanted:
        with speaking(speech):
            found = write().notifications
        mine = (note for note in found if _speech(note, speeches) == speech)
        anew |= {note.id: replace(note, digest=replace(note.digest, speech=speech)) for note in mine}
    return replace(written, notifications=tuple(anew.get(note.id, note) for note in written.notifications))


def _speech(note: Notification, speeches: Mapping[str, Speech]) -> Speech:
    return speeches.get(note.receiver.partition("#")[0], PLAIN)
