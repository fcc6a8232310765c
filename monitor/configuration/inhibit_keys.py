"""What may stand under ``inhibit`` in ``routes.yaml``: which alerts, while they fire, mute which."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from monitor.alerts.inhibition import Inhibition
from monitor.configuration.values import AlertMatcher, Label, Name

Matchers = Annotated[tuple[AlertMatcher, ...], Field(min_length=1)]


class InhibitKeys(BaseModel):
    """
    One rule: an alert that fits `when` mutes those that fit `mute` and have the labels `equal` in common with it.

    `parts` asks that what is muted is a part of what mutes: a code of a composite, or of the total of a basket.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    when: Matchers
    mute: Matchers
    equal: tuple[Label, ...] = Field(min_length=1)
    parts: bool = False

    @property
    def rule(self) -> Inhibition:
        """The rule that these keys say."""
        return Inhibition(name=self.name, when=self.when, mute=self.mute, equal=self.equal, parts=self.parts)
