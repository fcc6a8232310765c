"""Slack as a test plays it: methods, incoming webhook and uploads, which check what they are sent and answer as Slack does."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

TOKEN = "xoxb-12345-secret"
HOOK = "/services/T0/B0/s3cretHook"
CHANNEL = "C024BE91L"


class Slack:
    """One workspace with one channel; `troubles` are answers that a method gives once before it works."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.url, self.hook = httpserver.url_for("/api"), httpserver.url_for(HOOK)
        self.messages: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.shared: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.troubles: dict[str, list[Response]] = {}
        self._server = httpserver
        for method in ("chat.postMessage", "chat.update", "files.getUploadURLExternal", "files.completeUploadExternal"):
            httpserver.expect_request(f"/api/{method}", method="POST").respond_with_handler(self._method)
        httpserver.expect_request(HOOK, method="POST").respond_with_handler(self._take_hook)
        httpserver.expect_request(re.compile("^/upload/"), method="POST").respond_with_handler(self._take_file)

    @property
    def top(self) -> dict[str, dict[str, Any]]:
        """The messages that are in no thread, by their time."""
        return {ts: one for ts, one in self.messages.items() if "thread_ts" not in one}

    def fails(self, method: str, error: str, status: int = 200, **headers: str) -> None:
        """Let the next call of a method fail."""
        answer = Response(json.dumps({"ok": False, "error": error}), status, headers, content_type="application/json")
        self.troubles.setdefault(method, []).append(answer)

    def _method(self, request: Request) -> Response:
        method = request.path.rpartition("/")[2]
        self.calls.append(method)
        if waiting := self.troubles.get(method):
            return waiting.pop(0)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _json(ok=False, error="invalid_auth")
        answer: Response = getattr(self, f"_{method.replace('.', '_')}")(request)
        return answer

    def _chat_postMessage(self, request: Request) -> Response:
        said = json.loads(request.data)
        if said["channel"] not in ("#trade", CHANNEL):
            return _json(ok=False, error="channel_not_found")
        if error := wrong(said):
            return _json(ok=False, error=error)
        if said.get("thread_ts", next(iter(self.messages), "")) not in self.messages and "thread_ts" in said:
            return _json(ok=False, error="thread_not_found")
        ts = f"{1_750_000_000 + len(self.messages)}.000100"
        self.messages[ts] = said
        return _json(ok=True, channel=CHANNEL, ts=ts)

    def _chat_update(self, request: Request) -> Response:
        said = json.loads(request.data)
        if said["channel"] != CHANNEL:
            return _json(ok=False, error="channel_not_found")
        if said["ts"] not in self.messages:
            return _json(ok=False, error="message_not_found")
        if error := wrong(said):
            return _json(ok=False, error=error)
        self.messages[said["ts"]] |= {"text": said["text"], "blocks": said["blocks"], "edited": True}
        return _json(ok=True, channel=CHANNEL, ts=said["ts"])

    def _files_getUploadURLExternal(self, request: Request) -> Response:
        asked = {name: values[0] for name, values in parse_qs(request.get_data(as_text=True)).items()}
        if not asked.get("filename") or not asked.get("length", "").isdigit() or int(asked["length"]) == 0:
            return _json(ok=False, error="invalid_arguments")
        name = f"F{len(self.files)}"
        self.files[name] = b"?" * int(asked["length"])
        return _json(ok=True, file_id=name, upload_url=self._server.url_for(f"/upload/{name}"))

    def _take_file(self, request: Request) -> Response:
        name = request.path.rpartition("/")[2]
        if len(request.data) != len(self.files[name]):
            return Response("wrong length", 400)
        self.files[name] = request.data
        return Response(f"OK - {len(request.data)}")

    def _files_completeUploadExternal(self, request: Request) -> Response:
        said = json.loads(request.data)
        parent = self.messages.get(said["thread_ts"])
        if said["channel_id"] != CHANNEL or parent is None or "thread_ts" in parent:
            return _json(ok=False, error="invalid_arguments")
        if any(set(self.files[one["id"]]) == {63} for one in said["files"]):
            return _json(ok=False, error="file_not_found")
        self.shared += [{**one, "thread_ts": said["thread_ts"]} for one in said["files"]]
        return _json(ok=True, files=said["files"])

    def _take_hook(self, request: Request) -> Response:
        said = json.loads(request.data)
        if error := wrong(said):
            return Response(error, 400)
        self.messages[str(len(self.messages))] = said
        return Response("ok")


def _json(**content: Any) -> Response:
    return Response(json.dumps(content), content_type="application/json")


def wrong(said: dict[str, Any]) -> str:
    """Return Slack's word for what is wrong with a message, "" where nothing is."""
    if not said.get("text"):
        return "no_text"
    if re.search("<[@!#]", said["text"]) or not isinstance(said.get("blocks"), list) or not 0 < len(said["blocks"]) <= 50:
        return "invalid_blocks"
    if len(json.dumps(said["blocks"], ensure_ascii=False)) > 13_200:
        return "msg_blocks_too_long"
    return next((error for block in said["blocks"] if (error := _wrong_block(block))), "")


def _wrong_block(block: dict[str, Any]) -> str:
    if block["type"] == "header":
        text = block["text"]
        good = text["type"] == "plain_text" and 0 < len(text["text"]) <= 150
    elif block["type"] == "rich_text":
        good = bool(block["elements"]) and all(map(_is_section, block["elements"]))
    else:
        good = False
    return "" if good else "invalid_blocks"


def _is_section(section: dict[str, Any]) -> bool:
    runs = section["elements"]
    return section["type"] == "rich_text_section" and bool(runs) and all(
        run["type"] == "text" and 0 < len(run["text"]) <= 3_000 and set(run) <= {"type", "text", "style"} for run in runs
    )  # fmt: skip


def words(said: dict[str, Any]) -> list[str]:
    """Return the paragraphs of a message."""
    sections = [section for block in said["blocks"] if block["type"] == "rich_text" for section in block["elements"]]
    headers = [block["text"]["text"] for block in said["blocks"] if block["type"] == "header"]
    return [*headers, *("".join(run["text"] for run in one["elements"]) for one in sections)]
