"""Bodies as they stream in: unpacked in small steps, counted, and described where they are not what was asked for."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator

import httpx

from monitor.errors import SourceFormatChanged

RECEIPT_BYTES = 65_536  # of a body that only explains a status; the rest is not read
_CHUNK = 65_536


def decoded(response: httpx.Response, name: str) -> Iterator[bytes]:
    """Stream the body, unpacking gzip in small steps so that a bomb is noticed before it unfolds."""
    if response.is_stream_consumed:  # an injected transport's answer is whole from the start
        return iter((response.content,))
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return response.iter_raw(_CHUNK)
    if encoding in ("gzip", "x-gzip"):
        return _unzipped(response.iter_raw(_CHUNK))
    raise SourceFormatChanged(f'{name} answered in the encoding "{encoding}", which was not asked for')


def _unzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member, begun = zlib.decompressobj(31), False
    for chunk in chunks:
        data, step = chunk, b""
        while data or len(step) == _CHUNK:
            if member.eof:
                member = zlib.decompressobj(31)
            step = member.decompress(data, _CHUNK)
            begun = True
            data = member.unused_data if member.eof else member.unconsumed_tail
            yield step
            if member.eof and not data:
                break
    if begun and not member.eof:
        raise zlib.error("the gzip data end early")


def limited(chunks: Iterable[bytes], most: int, name: str) -> Iterator[bytes]:
    """Pass chunks on until they are too many; a larger body is refused, not cut."""
    held = 0
    for chunk in chunks:
        held += len(chunk)
        if held > most:
            raise SourceFormatChanged(f"{name} offers more than {most:,} bytes, which is the limit; reading stopped")
        yield chunk


def head_of(response: httpx.Response) -> Iterator[bytes]:
    """Read the start of a body whose status already says everything; a body that breaks off is no fault."""
    held = 0
    try:
        for chunk in decoded(response, ""):
            yield chunk[: RECEIPT_BYTES - held]
            held += len(chunk)
            if held >= RECEIPT_BYTES:
                return
    except (httpx.RequestError, zlib.error, SourceFormatChanged):
        return


def html_title(body: bytes) -> str:
    """Return the title of a page, on one line, at most 80 characters; empty if it has none."""
    found = re.search(rb"<title[^>]*>(.*?)</title>", body[:_CHUNK], re.IGNORECASE | re.DOTALL)
    return " ".join(found[1].decode("utf-8", "replace").split())[:80] if found else ""


def first_line(body: bytes, content_type: str) -> str:
    """Return what an error body says, in one short line: a page's title, or the first line of a text."""
    if "html" in content_type:
        return html_title(body)
    line = " ".join(body.decode("utf-8", "replace").split())
    return "".join(letter for letter in line if letter.isprintable())[:200]
