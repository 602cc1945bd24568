"""Who may ask the server what: checked before anything is looked at.

A page of another site must be able neither to read results nor to stop a run, though the browser
that shows it may reach this server. So the name by which the server is asked for (`Host`) has to be
one that no other site can own, which ends DNS rebinding; a request that a page makes must come from
a page of this server (`Origin`, `Sec-Fetch-Site`); and what changes anything needs the token.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MOST_BODY = 1_000
"""Bytes; nothing that is sent here has any."""
_LONGEST_TARGET = 4_000
_SAFE = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


@dataclass(frozen=True)
class Access:
    """What is needed to be let in."""

    token: str
    port: int
    is_local: bool = True
    """Whether it listens on the loopback address alone: reading then needs no token."""

    @property
    def cookie(self) -> str:
        """Cookies do not tell ports apart, so its name does."""
        return f"mlplab-{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """The outermost part of the application."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        has_token = self._has_token(headers)
        refusal = self._refusal(scope, headers, has_token)
        scope["state"] = {**scope.get("state", {}), "may_stop": has_token}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = MutableHeaders(scope=message)
                for name, value in _SAFE.items():
                    own.setdefault(name, value)
            await send(message)

        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope, headers: Headers, has_token: bool) -> Response | None:
        """The answer to a request that is not let in; also to one that brings the token."""
        host = headers.get("host", "")
        if not self._is_own_name(host):
            return _no(421, "This server does not go by that name.")
        if len(scope["path"]) + len(scope["query_string"]) > _LONGEST_TARGET:
            return _no(414, "That address is too long.")
        length = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length.isdigit() or int(length[:9]) > _MOST_BODY:
            return _no(413, "Nothing is to be sent here.")
        if not _is_from_here(scope, headers, host):
            return _no(403, "Another site's page may not ask this server.")
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return _no(405, "This cannot be done here.")
        if scope["method"] != "POST" and scope["path"] == "/":
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if given and self._is_token(given):
                return self._with_cookie()
        needs_token = scope["method"] == "POST" or not self._access.is_local
        if needs_token and not has_token:
            return _no(401, "Open the address that mlplab serve printed: it has the token.")
        return None

    def _is_own_name(self, host: str) -> bool:
        """Of names only this machine's own: an address belongs to nobody's site."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if self._access.is_local or is_loopback(name):
            return is_loopback(name)
        try:
            return bool(ipaddress.ip_address(name))
        except ValueError:
            return name in {socket.gethostname().lower(), socket.getfqdn().lower()}

    def _has_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._is_token(given.strip()):
            return True
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(headers.get("cookie", ""))
        except CookieError:
            return False
        own = cookies.get(self._access.cookie)
        return own is not None and self._is_token(own.value)

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode(), self._access.token.encode())

    def _with_cookie(self) -> Response:
        """Keep the token where scripts do not see it, and take it out of the address."""
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(
            self._access.cookie, self._access.token, httponly=True, samesite="strict", path="/"
        )
        return answer


def _is_from_here(scope: Scope, headers: Headers, host: str) -> bool:
    """Whether a request is made by a page of this server, or by no page at all."""
    site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
    origin = headers.get("origin")
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return False
    is_visit = mode == "navigate" and scope["method"] == "GET"
    return site in (None, "same-origin", "none") or is_visit


def _no(status: int, sentence: str) -> Response:
    # What was sent besides is not read.
    return PlainTextResponse(sentence, status_code=status, headers=_CLOSE)


_CLOSE: Mapping[str, str] = {"connection": "close"}
