"""The page of one demo: a server on the loopback address, which only a bearer of its token may talk to.

It runs in a thread of its own and hands requests to the main thread, where the chapter has been run.
"""

import asyncio
import contextlib
import hmac
import json
import logging
import queue
import secrets
import threading
from collections.abc import Callable
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.template import Template
from tornado.web import Application, HTTPError, RequestHandler, StaticFileHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from bmkit.demo.inputs import MOST_BYTES
from bmkit.demo.panel import FOLDER, Panel
from bmkit.errors import Error

__all__ = ["Server", "ServerError"]

HOST = "127.0.0.1"
MOST_SIZE = MOST_BYTES + 1_000_000  # of one message
MOST_WAITING = 20  # requests of all open pages together
# Whatever an answer holds, the browser asks nobody but this server.
POLICY = (
    "default-src 'self'; connect-src 'self' ws://{host}; img-src 'self' data: blob:; media-src data: blob:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'"
)
logging.getLogger("tornado.access").setLevel(logging.ERROR)  # a wrong token is told to who brings it
Job = tuple["_Talk", dict, list[bytes]]


class ServerError(Error):
    """What keeps the page from opening, in one line that says how to mend it."""


class Server:
    """Serve the page, tell all who look at it how far the chapter is, then answer them.

    Args:
        title: of the page.
        port: exactly this port; any free one when None.

    Raises:
        ServerError: the port is taken.

    Example:
        >>> with Server("20 · Machine translation") as server:
        ...     server.address.startswith("http://127.0.0.1:")
        True
    """

    def __init__(self, title: str, *, port: int | None = None):
        try:
            self._sockets = bind_sockets(port or 0, HOST)
        except OSError as error:
            raise ServerError(
                f"port {port} cannot be used ({error.strerror}); leave out --port, and a free one is taken."
            ) from None
        self.title = title
        self.host = f"{HOST}:{self._sockets[0].getsockname()[1]}"
        self.token = secrets.token_urlsafe(24)
        self.address = f"http://{self.host}/?token={self.token}"
        self.pages: set[_Talk] = set()
        self.jobs: queue.Queue[Job] = queue.Queue(MOST_WAITING)
        self.last: dict[str, Any] = {"state": "The chapter will be run …"}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        here = {"server": self}
        files = (r"/(panel\.js|panel\.css|page\.js)", _File, {"path": str(FOLDER)})
        pages = Application([(r"/", _Page, here), (r"/talk", _Talk, here), files], websocket_max_message_size=MOST_SIZE)
        served = HTTPServer(pages)
        served.add_sockets(self._sockets)
        self._loop.run_forever()
        served.stop()

    def _send(self, page: "_Talk", message: dict[str, Any]) -> None:
        """Send from the main thread; a page that has been closed needs nothing any more."""
        self._loop.call_soon_threadsafe(page.tell, message)

    def tell(self, line: str, **more: Any) -> None:
        """Show a line on every page that is open, and on those that open later.

        Args:
            line: how far the chapter is; empty when it is ready.
            **more: what else the pages must know.
        """
        self.last = {"state": line, **more}
        for page in list(self.pages):
            self._send(page, self.last)

    def answer(self, panel: Panel, report: Callable[[str], None] = print) -> None:
        """Answer one request after the other, in this thread, until Ctrl-C.

        Args:
            panel: what the chapter's last cell has made.
            report: receives a line when the panel is ready.

        Raises:
            KeyboardInterrupt: Ctrl-C.
        """
        self.tell("", spec=panel.spec)
        report("The demo is ready.")
        while True:
            with contextlib.suppress(queue.Empty):
                page, request, buffers = self.jobs.get(timeout=0.5)  # a wait without an end hears no Ctrl-C on Windows
                panel.reply(request, buffers, lambda message, page=page: self._send(page, message))

    def knows(self, token: str) -> bool:
        """Tell whether a visitor may come in.

        Args:
            token: as it stands in the address.
        """
        return hmac.compare_digest(token.encode(), self.token.encode())


class _Guarded:
    """What a request must bring: the token."""

    def initialize(self, server: Server) -> None:
        self.server = server

    def prepare(self) -> None:
        if not self.server.knows(self.get_query_argument("token", "")):
            raise HTTPError(403, reason="Open the address that stands in the terminal")


class _Page(_Guarded, RequestHandler):
    def set_default_headers(self) -> None:
        for name, value in (("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer")):
            self.set_header(name, value)

    def get(self) -> None:
        self.set_header("Content-Security-Policy", POLICY.format(host=self.server.host))
        self.finish(Template((FOLDER / "page.html").read_text("utf-8")).generate(title=self.server.title))


class _File(StaticFileHandler):
    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-store")


class _Talk(_Guarded, WebSocketHandler):
    """One open page. Tornado itself refuses a socket that a page of another origin opens."""

    def open(self) -> None:
        self.waiting: tuple[dict, int] | None = None
        self.buffers: list[bytes] = []
        self.server.pages.add(self)
        self.tell(self.server.last)

    def on_close(self) -> None:
        self.server.pages.discard(self)

    def tell(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(WebSocketClosedError):
            self.write_message(json.dumps(message))

    def on_message(self, message: str | bytes) -> None:
        """Put a request together: its text, then the bytes that it announces."""
        if isinstance(message, bytes):
            self.buffers.append(message)
        else:
            try:
                request = json.loads(message)
                self.waiting, self.buffers = (request, int(request.pop("buffers", 0) > 0)), []
            except (AttributeError, RecursionError, TypeError, ValueError):
                self.close(1003, "this is no request of the demo's page")
                return
        if self.waiting and len(self.buffers) >= self.waiting[1]:
            request, self.waiting = self.waiting[0], None
            try:
                self.server.jobs.put_nowait((self, request, self.buffers))
            except queue.Full:
                self.tell({"refused": "Many are asking at the same time; wait a moment and try again."})
