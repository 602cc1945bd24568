"""Fetching one file from the first of several mirrors that serves it whole."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlplab.data.announcing import Announce

_TIMEOUT = (10, 30)
"""Seconds to connect, and to wait for the next bytes."""
_CHUNK = 1 << 16
_CONNECTION = re.compile(r"^(<[^>]*>|\w+\([^)]*\)): ")
"""How urllib3 begins a reason: with the connection, as it prints itself."""


@dataclass(frozen=True)
class FailedAttempt:
    """One mirror that did not serve the file, and why."""

    url: str
    reason: str


class NoMirrorError(Exception):
    """No mirror served the file; `attempts` says why of each, the last reason of each mirror."""

    def __init__(self, attempts: Sequence[FailedAttempt]) -> None:
        self.attempts = tuple(attempts)
        super().__init__("; ".join(f"{a.url}: {a.reason}" for a in attempts))


def download(
    urls: Sequence[str],
    target: Path,
    *,
    wrong: Callable[[Path], str | None],
    announce: Announce,
    rounds: int = 3,
    pause: float = 1.0,
) -> str:
    """Fetch a file into `target` from the first of `urls` that serves it whole.

    It is written beside `target` under a passing name and takes its name only when it is whole and
    right, so a download that is killed leaves nothing that could be taken for the file. The mirrors
    are asked in turn, up to `rounds` times with a growing `pause` (seconds) between rounds; one
    that says it does not have the file (HTTP 4xx) is not asked again.

    Args:
        urls: the same file on several mirrors, the preferred one first.
        target: its folder is made when it is not there.
        wrong: given the fetched file, says what is wrong with it, or None.
        announce: is told of progress and of every failure, one line at a time.

    Returns:
        The address that served the file.

    Raises:
        NoMirrorError: when none did.
        OSError: when the folder cannot be made or written to.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    failures: dict[str, FailedAttempt] = {}
    refused: set[str] = set()
    for number in range(rounds):
        if number and len(refused) < len(urls):
            time.sleep(pause * number)
        for url in urls:
            if url in refused:
                continue
            failure, for_good = _attempt(url, target, wrong, announce)
            if failure is None:
                return url
            announce(f"{target.name}: {_host(url)} failed: {failure}")
            failures[url] = FailedAttempt(url, failure)
            if for_good:
                refused.add(url)
    raise NoMirrorError(list(failures.values()))


def _attempt(
    url: str, target: Path, wrong: Callable[[Path], str | None], announce: Announce
) -> tuple[str | None, bool]:
    """Try one mirror once: the reason it failed (None if it did not), and whether for good."""
    # pooch brings requests, which takes a third of a second to import and is seldom needed.
    import pooch

    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    passing = Path(name)
    fetch = pooch.HTTPDownloader(
        progressbar=_Progress(target.name, _host(url), announce),
        chunk_size=_CHUNK,
        timeout=_TIMEOUT,
        # A server that unpacks .gz on the way would change the bytes that the sums are of.
        headers={"Accept-Encoding": "identity"},
    )
    try:
        fetch(url, str(passing), None)
        reason = wrong(passing)
        if reason is None:
            os.replace(passing, target)
        return reason, False
    except OSError as error:  # requests' own errors are of this kind
        response: Any = getattr(error, "response", None)
        if response is None:
            return _plain(error), False
        status = response.status_code
        return f"HTTP {status} {response.reason}", 400 <= status < 500
    finally:
        passing.unlink(missing_ok=True)


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _plain(error: Exception) -> str:
    """The innermost reason, without the layers of the library that met it."""
    inner: Any = error
    while True:
        nested = getattr(inner, "reason", None) or next(
            (a for a in inner.args if isinstance(a, Exception)), None
        )
        if not isinstance(nested, Exception):
            break
        inner = nested
    text = _CONNECTION.sub("", str(inner))
    return text or type(inner).__name__


class _Progress:
    """What pooch reports to, in tqdm's manner; a line at each quarter of a file."""

    def __init__(self, name: str, host: str, announce: Announce) -> None:
        self.total = 0
        self._name, self._host, self._announce = name, host, announce
        self._done = 0
        self._told = 0

    def update(self, count: int) -> None:
        self._done += count
        quarter = min(4, 4 * self._done // self.total) if self.total else 0
        if quarter > self._told:
            self._told = quarter
            size = f"{self.total / 1e6:.1f} MB" if self.total >= 1e5 else f"{self.total} bytes"
            self._announce(f"{self._name}: {25 * quarter}% of {size} from {self._host}")

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass
