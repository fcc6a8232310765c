"""What each kind of source gives and needs, and what the desk has of it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from monitor import registry
from monitor.app import App
from monitor.secrets import Absent, secret_fields
from monitor.series import Release
from monitor.settings import SourceSettings
from monitor.wording import capital


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of the desk; `lacking` says which secrets of it are not there."""

    name: str
    enabled: bool
    last: Release | None
    lacking: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Offer:
    """
    One kind of source.

    `datasets` is empty where a dataset is what the desk calls it. `keys` are its secrets and where a person gets them; `files`
    tells that it takes files of a person.
    """

    kind: str
    gives: str
    datasets: tuple[str, ...]
    keys: dict[str, str]
    files: bool
    entries: tuple[Entry, ...]


def offers(app: App) -> Iterator[Offer]:
    """Yield every registered kind of source, those of plug-ins included."""
    last = {(release.source, release.dataset): release for release in app.releases.find()}
    for kind in registry.kinds("sources"):
        made = registry.load("sources", kind)
        entries = [entry for entry in app.settings.sources if entry.kind == kind]
        yield Offer(
            kind=kind,
            gives=_gives(made),
            datasets=_datasets(made),
            keys={name: made.Parameters.model_fields[name].description or "" for name in secret_fields(made.Parameters)},
            files=hasattr(made, "from_files"),
            entries=tuple(_entry(entry, last.get((entry.name, entry.dataset))) for entry in entries),
        )


def _entry(entry: SourceSettings, last: Release | None) -> Entry:
    absent = [value for _, value in entry.parameters if isinstance(value, Absent)]
    return Entry(name=entry.entry, enabled=entry.enabled, last=last, lacking=tuple(str(one.mistake) for one in absent))


def _gives(made: Any) -> str:
    """Return the first sentence of a kind's module, or of its class where the module says nothing."""
    words = inspect.getdoc(sys.modules[made.__module__]) or inspect.getdoc(made) or ""
    first = re.split(r"(?<=\.)\s|\n\n", words, maxsplit=1)[0]
    return capital(" ".join(re.sub(r"^Kind ``\w+``: ", "", first).split()).removesuffix("."))


def _datasets(made: Any) -> tuple[str, ...]:
    annotation = made.Parameters.model_fields["dataset"].annotation
    return get_args(annotation) if get_origin(annotation) is Literal else ()
