"""
A dead-man's switch: an address outside is told of every round, and raises the alarm when it hears nothing.

The way of Healthchecks and of what understands it: ``<url>/start`` when a round begins, ``<url>`` when it ended well,
``<url>/fail`` with a line for each thing that failed. Nothing that goes wrong here stops a round.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import SecretStr

from monitor.errors import MonitorError
from monitor.eventlog import event

if TYPE_CHECKING:
    from monitor.sources.http import Client

log = logging.getLogger(__name__)

PATIENCE_S = 10.0
LONGEST_BODY = 2000  # bytes


class Heartbeat:
    """
    Tells one address of every round.

    Parameters
    ----------
    client : Client
        The guarded client of every outgoing call.
    url : SecretStr
        The address of the check; whoever knows it can keep a dead service alive.
    """

    def __init__(self, client: Client, url: SecretStr) -> None:
        self._client = client
        self._url = url

    def begun(self) -> None:
        """Tell that a round begins."""
        self._tell("/start")

    def ended(self, failures: Sequence[str]) -> None:
        """Tell that a round ended, and what failed in it."""
        self._tell("/fail" if failures else "", "\n".join(failures))

    def _tell(self, path: str, text: str = "") -> None:
        body = text.encode()[:LONGEST_BODY].decode(errors="ignore").encode()
        try:
            url = self._url.get_secret_value().rstrip("/")
            answer = self._client.post(f"{url}{path}", body=body, total_s=PATIENCE_S, secrets=[url])
        except MonitorError as error:
            event(log, "heartbeat not sent", level=logging.WARNING, why=str(error))
            return
        if answer.status >= 400:
            event(log, "heartbeat refused", level=logging.WARNING, status=answer.status)
