"""
Every error this package raises on purpose.

::

    MonitorError
      ConfigError               SettingsError, RuleError        a file a person wrote; carries where
                                SecretMissing (a setting)       what needs the secret cannot be done
      SourceError               SourceUnavailable (try again)   SourceThrottled (retry_after)
                                SourceRefused (credentials)     SourceFormatChanged (tell a human)
      StoreError
      DetectionError            NotEnoughHistory, DidNotConverge  (become "not judged")
      DeliveryError             DeliveryDelayed (try again)     DeliveryRefused (do not)
                                DeliveryUnwanted (nobody is to be told of it)
      TemplateBroken            a user's own template; what is built in is sent in its place

The type answers the caller's question: can trying again help?
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class MonitorError(Exception):
    """Any error that Trade Monitor explains in one sentence."""


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake in a file that a person wrote: where it stands and what to write instead."""

    path: str
    line: int
    column: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.sentence}"


class ConfigError(MonitorError):
    """Mistakes in configuration, reported all together, in file order."""

    def __init__(self, mistakes: Iterable[Mistake] | str) -> None:
        self.mistakes: tuple[Mistake, ...] = () if isinstance(mistakes, str) else tuple(sorted(mistakes))
        super().__init__(mistakes if isinstance(mistakes, str) else "\n".join(map(str, self.mistakes)))


class SettingsError(ConfigError):
    """A mistake in ``config/`` or in the environment."""


class SecretMissing(SettingsError):
    """A secret that ``config/`` names is not there; raised when it is needed."""


class RuleError(ConfigError):
    """A mistake in a rule file."""


class SourceError(MonitorError):
    """Figures could not be read from a source."""


class SourceUnavailable(SourceError):
    """The source did not answer, or not usefully; trying again can help."""


class SourceThrottled(SourceUnavailable):
    """The source asks for patience; `retry_after` is in seconds, None where it did not say."""

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class SourceRefused(SourceError):
    """The source refuses these credentials; a person must act."""


class SourceFormatChanged(SourceError):
    """The answer is not what this source's documentation says; a person must look. `raw` is what came, where it is held."""

    raw: bytes = b""


class StoreError(MonitorError):
    """The store cannot do what was asked; what was committed before is intact."""


class StoreRefused(StoreError):
    """The database does not take what it was given, whatever its state; something else it may take."""


class DetectionError(MonitorError):
    """A series cannot be judged; becomes "not judged" with this sentence as its reason."""


class NotEnoughHistory(DetectionError):
    """Too few months are held."""


class DidNotConverge(DetectionError):
    """A model's fit did not settle."""


class DeliveryError(MonitorError):
    """A message was not accepted; `wire` is what went over the line, secrets masked, "" where nothing did."""

    wire: str = ""


class DeliveryDelayed(DeliveryError):
    """Not accepted now; trying again can help. `retry_after` is in seconds, None where not said."""

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class DeliveryRefused(DeliveryError):
    """Refused for good; `gone` says that the receiver asked never to be called again."""

    def __init__(self, sentence: str, *, gone: bool = False) -> None:
        super().__init__(sentence)
        self.gone = gone


class TemplateBroken(MonitorError):
    """A user's own template cannot be filled; `file` and `line` say where (0: the line is not known), `why` what is wrong."""

    def __init__(self, why: str, *, file: str = "", line: int = 0) -> None:
        super().__init__(": ".join(filter(None, (f"{file}:{line}" if line else file, why))))
        self.why, self.file, self.line = why, file, line


class DeliveryUnwanted(DeliveryError):
    """Not sent, because whom it is for wants no more; that is no trouble of anybody."""
