"""
A message as a CloudEvent 1.0 over HTTP: all in the body (structured), or the attributes as headers (binary).

Both modes carry the same data, and the event's id is the message's, the same at every attempt. Reference:
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md.
"""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import quote

from monitor.notify import payload
from monitor.notify.base import Message
from monitor.notify.changes import rfc3339
from monitor.notify.render import plain
from monitor.notify.shortening import clipped

Mode = Literal["structured", "binary"]

SOURCE = "/trade-monitor"  # where a desk has no public address
_READABLE = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"  # printable ASCII save the quote and the percent sign
_LONGEST_SUBJECT = 200


def attributes(message: Message, *, public_url: str = "") -> dict[str, str]:
    """Return the context attributes of a message."""
    about = message.digest.conversation or message.digest.release
    found = {
        "specversion": "1.0",
        "id": message.id,
        "source": public_url or SOURCE,
        "type": payload.type_of(message).value,
        "time": rfc3339(message.created_at),
        "datacontenttype": "application/json",
        "dataschema": payload.DATA_SCHEMA,
    }
    return found | ({"subject": clipped(plain(about), _LONGEST_SUBJECT)} if plain(about) else {})


def call(
    message: Message, mode: Mode, *, public_url: str = "", max_alerts: int = 0, own: Any = None
) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a message; `own` is data in place of ours, which our schema does not describe."""
    context = attributes(message, public_url=public_url)
    left = payload.LIMIT - len(payload.encoded({**context, "data": {}}))
    if own is None:
        data = payload.data(message, public_url=public_url, max_alerts=max_alerts, limit=left)
    else:
        data = own
        del context["dataschema"]
    if mode == "structured":
        return {"Content-Type": "application/cloudevents+json; charset=UTF-8"}, payload.encoded({**context, "data": data})
    headers = {f"ce-{name}": quote(value, safe=_READABLE) for name, value in context.items() if name != "datacontenttype"}
    return {"Content-Type": context["datacontenttype"], **headers}, payload.encoded(data)
