"""Who may ask the server: a browser of this machine that was given the token.

A page of any site can send requests to 127.0.0.1, and every user of this machine can. So each
request, that of the websocket too, needs the token, once in the URL and then in a cookie. A name of
another host in `Host` is one that leads here by a trick of the name service (DNS rebinding);
`Origin` names the site whose page asks.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from aiohttp import web

LOOPBACK = ("127.0.0.1", "localhost", "::1")

HEADERS = {
    # Scripts, styles and data come from here alone; Vue compiles its templates, which is "eval".
    "Content-Security-Policy": (
        "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# A page that goes on to the page proper: a redirection would not carry the cookie where the link
# was on a page of another site.
ENTRANCE = (
    "<!doctype html><meta charset=utf-8><title>ecsmpi view</title>"
    '<meta http-equiv=refresh content="0; url=/index.html">'
)


class Guard:
    """Lets requests with the token pass, from pages of this server.

    Attributes
    ----------
    token : str
        43 characters of a URL, drawn anew for each server.
    pages : int
        How many pages are open, by their websockets.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(32)
        self.pages = 0

    def watch(self, app: web.Application) -> None:
        """Stand before all handlers of an application."""
        # A name of its own: the cookies of one host are of all its ports.
        cookie = f"ecsmpi-view-{secrets.token_hex(4)}"

        @web.middleware
        async def middleware(request: web.Request, handler):
            if not is_from_here(request.headers.get("Host"), request.headers.get("Origin")):
                raise web.HTTPForbidden(text="this server answers its own machine alone\n")
            if self._is_token(request.query.get("token")):
                response = web.Response(text=ENTRANCE, content_type="text/html", headers=HEADERS)
                response.set_cookie(cookie, self.token, httponly=True, samesite="Strict", path="/")
                return response
            if not self._is_token(request.cookies.get(cookie)):
                raise web.HTTPForbidden(
                    text="the token is missing or wrong: open the URL that `ecsmpi view` printed\n"
                )
            response = await self._counted(request, handler)
            if not response.prepared:
                response.headers.update(HEADERS)
            return response

        app.middlewares.insert(0, middleware)

    async def _counted(self, request: web.Request, handler):
        """Handle a request; a websocket is one for as long as its page is open."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return await handler(request)
        self.pages += 1
        try:
            return await handler(request)
        finally:
            self.pages -= 1

    def _is_token(self, given: str | None) -> bool:
        """Whether a text is the token, found out in a time that does not depend on the text."""
        return given is not None and hmac.compare_digest(
            given.encode(errors="replace"), self.token.encode()
        )


def is_from_here(host: str | None, origin: str | None) -> bool:
    """Whether a request names this machine, and comes from a page of this server or from none.

    Parameters
    ----------
    host : str or None
        The header Host.
    origin : str or None
        The header Origin, which browsers send with a websocket.
    """
    if host is None or _name(f"//{host}") not in LOOPBACK:
        return False
    return origin is None or origin.partition("://")[2] == host


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
