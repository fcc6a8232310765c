"""An entry of ``sources.yaml`` and one of ``receivers.yaml`` as the desk knows them: their keys and their kind's own, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from monitor.configuration.keys import Ask, BudgetKeys, StageKeys, Task
from monitor.errors import Mistake
from monitor.series import Basis
from monitor.sources.completeness import CompleteWhen


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    """One entry of ``sources.yaml``; `parameters` is its kind's own model, with relative paths led to the desk."""

    name: str
    kind: str
    dataset: str
    title: str
    enabled: bool
    ask: Ask
    late_after: timedelta | None
    failed_after: timedelta
    credit: str
    complete_when: CompleteWhen | None
    stage: StageKeys | None
    basis: Basis
    of: tuple[str, ...]
    task: Task | None
    parameters: Any

    @property
    def sums_partners(self) -> bool:
        """True where the World rows of its files are sums that were made here."""
        return bool(getattr(self.parameters, "total", None) == "sum")

    @property
    def entry(self) -> str:
        """The name that no other entry has: ``census/imports/naics``."""
        return f"{self.name}/{self.dataset}"

    @property
    def otherwise(self) -> timedelta:
        """How often to ask where nothing is due: files of this machine every ten minutes, an office twice a day."""
        local = any(getattr(self.parameters, key, None) is not None for key in ("folder", "path"))
        return max(self.ask.every, self.ask.otherwise or timedelta(minutes=10 if local else 720))


@dataclass(frozen=True, kw_only=True)
class ReceiverSettings:
    """
    One entry of ``receivers.yaml``; `parameters` is its kind's own model, with relative paths led to the desk.

    `lacking` are its secrets that are not there.
    """

    name: str
    kind: str
    parameters: Any
    fallback: str = ""
    per_minute: float | None = None
    locale: str = ""
    time_zone: str = ""
    templates: Mapping[str, Path] = field(default_factory=dict)
    budget: BudgetKeys = field(default_factory=BudgetKeys)
    lacking: tuple[Mistake, ...] = ()
