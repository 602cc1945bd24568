"""The server while it runs: its socket, its patience with slow clients, and its end."""

from __future__ import annotations

import os
import socket
import sys
import threading
from asyncio import TimerHandle, Transport
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from mlplab.declarations.problems import BadInput, Problem
from mlplab.server.app import MOST_STREAMS, application
from mlplab.server.guard import Access, is_loopback

DEFAULT_PORT = 8765
_PATIENCE_SECONDS = 10.0
_SEND_BUFFER = 2**18


def listen(host: str, port: int | None) -> socket.socket:
    """Take an address; with no port the usual one, or another where that is taken.

    Raises:
        BadInput: it cannot be had.
    """
    ports = [DEFAULT_PORT, 0] if port is None else [port]
    for attempt in ports:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            return socket.create_server((host, attempt), family=family, backlog=128)
        except (OSError, OverflowError) as error:
            if attempt != ports[-1]:
                continue
            raise BadInput(
                Problem(
                    "--host" if port is None else f"--port {port}",
                    expected="an address of this machine and a port that is free",
                    received=str(getattr(error, "strerror", None) or error).lower(),
                    hint="choose another port, or none",
                )
            ) from None
    raise AssertionError


def serve(
    root: Path,
    opened: socket.socket,
    token: str,
    on_started: Callable[[str], None],
    *,
    only_while_stdin: bool = False,
) -> None:
    """Serve the results folders in `root` until the program is told to stop.

    Args:
        opened: what `listen` gave.
        on_started: is told the address of the page, with the token.
        only_while_stdin: whether it ends with the process at the other end of standard input.
    """
    host, port = opened.getsockname()[:2]
    access = Access(token, port, is_local=is_loopback(host))
    config = uvicorn.Config(
        application(root, access),
        http=_Connection,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_STREAMS + 64,
        h11_max_incomplete_event_size=2**14,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(10)  # Whoever watches a run does not slow it.
    if only_while_stdin:
        threading.Thread(target=_end_with_stdin, args=(server,), daemon=True).start()
    on_started(f"http://{_in_address(host)}:{port}/?token={quote(token)}")
    server.run(sockets=[opened])


def _end_with_stdin(server: uvicorn.Server) -> None:
    with suppress(OSError, ValueError):
        while os.read(sys.stdin.fileno(), 1024):
            pass
    server.should_exit = True


def _in_address(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


class _Connection(H11Protocol):
    """A connection that is closed when its client stands still: with a request that does not come
    to its end, or with an answer that it does not take."""

    _timer: TimerHandle | None = None
    _stood_still: object = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_SEND_BUFFER)
        self._timer = self.loop.call_later(_PATIENCE_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        """Twice the same picture of a client that is waited for, and it is let go."""
        size = self.transport.get_write_buffer_size()
        waiting: Any = None
        if self.cycle is None or self.cycle.response_complete:
            waiting = "request", id(self.cycle)
        elif size:
            waiting = size
        if waiting is not None and waiting == self._stood_still:
            self.transport.abort()
            return
        self._stood_still = waiting
        self._timer = self.loop.call_later(_PATIENCE_SECONDS, self._look)
