"""The application: the page, what it asks for, and the stream of what is new."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from mlplab.declarations.problems import BadInput
from mlplab.records.lock import is_held
from mlplab.runner.live import Cursor, ask_to_stop, has_lines_after, lines_after
from mlplab.server.contents import REPORT_FILE, curves_in, outcome_of, study_in, to_json
from mlplab.server.folders import Folders, signature
from mlplab.server.guard import Access, Guard

MOST_STREAMS = 256
_SECONDS_BETWEEN_READS = 0.2
_SECONDS_BETWEEN_SIGNS_OF_LIFE = 15.0
_MOST_KEPT = 32
"""Answers kept for who asks the same of unchanged records."""
_PAGE = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    **{
        f"/{name}.js": (f"{name}.js", "text/javascript")
        for name in ("page", "live", "chart", "table")
    },
}
_SANDBOX = {
    "content-security-policy": (
        "sandbox allow-scripts allow-popups allow-downloads; default-src 'none'; img-src data: blob:; "
        "script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'"
    )
}
"""A report is a page of its own: its scripts ask nothing of this server, whoever wrote them."""


def application(root: Path, access: Access) -> ASGIApp:
    """The pages of all results folders in `root`."""
    return Guard(_Pages(Folders(root)).app(), access)


class _Pages:
    """Answers; what takes a while is computed in a thread, one at a time, so that runs go on."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._streams = 0
        self._kept: dict[tuple, str] = {}
        self._one_at_a_time = CapacityLimiter(1)
        self._looking = CapacityLimiter(8)

    def app(self) -> Starlette:
        pages = [Route(path, _resource(*page)) for path, page in _PAGE.items()]
        return Starlette(
            routes=[
                *pages,
                Route("/api/study", self._of_study(study_in)),
                Route("/api/curves", self._of_study(curves_in, "name")),
                Route("/api/outcome", self._of_study(outcome_of)),
                Route("/api/events", self._events),
                Route("/api/stop", self._stop, methods=["POST"]),
                Route("/report", self._report),
            ]
        )

    async def _folder(self, request: Request) -> Path:
        """The folder that a request names: looked up among those found, never made of the name."""
        await self._look()
        folder = self._folders.path(request.query_params.get("study", ""))
        if folder is None:
            raise HTTPException(404, "There is no results folder of this name.")
        return folder

    async def _look(self) -> None:
        if self._folders.is_due():
            await to_thread.run_sync(self._folders.look, limiter=self._looking)

    def _of_study(self, read: Callable[..., Mapping[str, Any]], *parameters: str) -> Callable:
        """An answer read from the records of one study."""

        async def answer(request: Request) -> Response:
            folder = await self._folder(request)
            asked = [request.query_params.get(one, "") for one in parameters]
            text = await to_thread.run_sync(
                self._read, read, folder, *asked, limiter=self._one_at_a_time
            )
            return Response(text, media_type="application/json")

        return answer

    def _read(self, read: Callable[..., Mapping[str, Any]], folder: Path, *asked: str) -> str:
        key = (read, folder, asked, signature(folder))
        if key not in self._kept:
            try:
                found = to_json(read(folder, *asked))
            except BadInput as error:
                found = to_json({"problem": str(error.problems[0])})
            except Exception as error:  # Whatever lies there, it is a folder that cannot be shown.
                said = f"This folder cannot be read ({type(error).__name__}: {error})."
                found = to_json({"problem": said})
            for oldest in itertools.islice(list(self._kept), max(0, len(self._kept) - _MOST_KEPT)):
                del self._kept[oldest]
            self._kept[key] = found
        return self._kept[key]

    async def _report(self, request: Request) -> Response:
        path = await self._folder(request) / REPORT_FILE
        if not path.is_file() or path.is_symlink():
            raise HTTPException(404, "This study has no report yet.")
        return FileResponse(path, media_type="text/html", headers=_SANDBOX)

    async def _stop(self, request: Request) -> Response:
        """The one thing that changes anything; the guard has seen the token."""
        folder = await self._folder(request)
        if not is_held(folder):
            raise HTTPException(409, "No run is at work there.")
        try:
            ask_to_stop(folder)
        except OSError as error:
            raise HTTPException(
                500, f"The run cannot be asked to stop: {error.strerror}."
            ) from None
        return PlainTextResponse("The run stops at its next safe moment.", status_code=202)

    async def _events(self, request: Request) -> Response:
        """Server-sent events: `studies` as they change, and `lines` of the study that is watched.

        The id of lines is how far their reader has come, with which a broken stream goes on. The
        folder may not be there yet.
        """
        if self._streams >= MOST_STREAMS:
            raise HTTPException(503, "Too many pages are open.")
        name = request.query_params.get("study", "")
        after = request.headers.get("last-event-id") or request.query_params.get("after", "")
        return _Stream(self, self._new(name, after, request.scope["state"]["may_stop"]))

    async def _new(self, name: str, after: str, may_stop: bool) -> AsyncIterator[str]:
        cursor, version, silent = Cursor.of(after), -1, 0.0
        yield f"retry: 1000\nevent: hello\ndata: {to_json({'may_stop': may_stop})}\n\n"
        while True:
            await self._look()
            states, gone, now = self._folders.changed_since(version)
            if now != version:
                whole = {"states": states, "gone": gone, "all": version < 0}
                yield f"event: studies\ndata: {to_json(whole)}\n\n"
                version, silent = now, 0.0
            folder = self._folders.path(name)
            if folder is not None and has_lines_after(folder, cursor):
                lines, later = await to_thread.run_sync(
                    lines_after, folder, cursor, limiter=self._looking
                )
                if later != cursor:
                    cursor, silent = later, 0.0
                    whole = {"file": cursor.file, "lines": [*map(_valid, lines)]}
                    yield f"event: lines\nid: {cursor}\ndata: {to_json(whole)}\n\n"
                    continue
            if silent >= _SECONDS_BETWEEN_SIGNS_OF_LIFE:
                yield ":\n\n"
                silent = 0.0
            await asyncio.sleep(_SECONDS_BETWEEN_READS)
            silent += _SECONDS_BETWEEN_READS

    def opened(self, streams: int) -> None:
        """Count open streams."""
        self._streams += streams


class _Stream(StreamingResponse):
    """A response that is counted while it is open."""

    media_type = "text/event-stream"

    def __init__(self, pages: _Pages, content: AsyncIterator[str]) -> None:
        super().__init__(content)
        self._pages = pages

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._pages.opened(1)
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._pages.opened(-1)


def _valid(line: bytes) -> Any:
    """What a line of the live file says, None of a damaged one."""
    try:
        return json.loads(line, parse_constant=lambda constant: None)
    except ValueError:
        return None


def _resource(name: str, media_type: str) -> Callable:
    content = (files("mlplab.server") / "web" / name).read_bytes()

    async def answer(request: Request) -> Response:
        return Response(content, media_type=media_type)

    return answer
