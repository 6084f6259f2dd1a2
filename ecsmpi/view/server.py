"""Serves the page on this machine alone, until Ctrl-C."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import webbrowser
from pathlib import Path

os.environ.setdefault("TRAME_ARGS", "")  # or trame takes the words of `ecsmpi view` for its own
os.environ.setdefault("WSLINK_READY_MSG", "")
os.environ.setdefault("WSLINK_WS_COMPRESS", "0")  # pictures are JPEG

from trame.app import get_server

from ecsmpi.view.actions import Actions
from ecsmpi.view.follow import follow
from ecsmpi.view.guard import Guard
from ecsmpi.view.page import build
from ecsmpi.view.player import Player
from ecsmpi.view.scene.scene import Scene
from ecsmpi.view.viewed_file import ViewedFile
from ecsmpi.view.viewer import Viewer

HOST = "127.0.0.1"
LONGEST_END = 5.0  # s for browsers to let go when the server ends


class Page:
    """The server of one viewer.

    Parameters
    ----------
    paths : list of Path
        Files of frames.
    following : bool
        Whether runs may still write them.
    """

    def __init__(self, paths: list[Path], following: bool):
        files = [ViewedFile(path) for path in paths]
        self.server = get_server("ecsmpi-view", client_type="vue3")
        self.guard = Guard()
        self._picture = None
        state = self.server.state
        self.viewer = Viewer(files, Scene(), state, self._push, following)
        self.player = Player(self.viewer, state)
        self.actions = Actions(self.viewer, self.player)
        window = self.viewer.scene.plotter.render_window
        self._picture = build(self.server, window, self.actions)
        self._connect()
        self.viewer.draw()

    def _connect(self) -> None:
        """Tell the viewer what the page does."""
        server, viewer, actions = self.server, self.viewer, self.actions
        server.state.change(*viewer.drawn_by)(lambda **_: viewer.draw_if_changed())
        server.trigger("key")(actions.press)
        server.trigger("pick")(actions.pick)
        server.trigger("picture")(lambda: server.protocol.addAttachment(actions.picture()))
        server.controller.on_server_bind.add(lambda bound: self.guard.watch(bound.app))

    def _push(self) -> None:
        if self._picture is not None:
            self._picture.update()

    def is_seen(self) -> bool:
        """Whether a browser shows the page."""
        return self.guard.pages > 0

    async def serve(self, port: int, opened) -> None:
        """Serve until SIGINT or SIGTERM.

        Parameters
        ----------
        port : int
            0 for a free one.
        opened
            Function of the URL, called once the server listens.

        Raises
        ------
        OSError
            Where the port is taken, or may not be taken.
        """
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_without_lost_pages)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        state = self.server.state
        self.server.controller.on_server_ready.add(
            lambda **_: opened(f"http://{HOST}:{self.server.port}/?token={self.guard.token}")
        )
        serving = asyncio.ensure_future(self._serving(port))
        others = [asyncio.ensure_future(self.player.run(self.is_seen))]
        if state["following"]:
            others.append(asyncio.ensure_future(follow(self.viewer, state)))
        waiting = asyncio.ensure_future(ended.wait())
        tasks: list[asyncio.Future] = [serving, waiting, *others]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            await self._stop(serving)
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in done:
            one.result()  # raises what ended the task

    async def _serving(self, port: int) -> None:
        """Listen until the server is stopped."""
        await self.server.start(
            port=port,
            host=HOST,
            thread=True,  # signals are ours
            timeout=0,
            open_browser=False,
            show_connection_info=False,
            disable_logging=True,
            exec_mode="coroutine",
        )

    async def _stop(self, serving) -> None:
        """Close the connections, but wait for no browser that does not let go."""
        try:
            await asyncio.wait_for(self.server.stop(), LONGEST_END)
            await asyncio.wait_for(serving, LONGEST_END)
        except asyncio.TimeoutError:
            pass


def _without_lost_pages(loop, context) -> None:
    """Report what fails in the loop, but not that a page was closed while a picture was sent."""
    if not isinstance(context.get("exception"), ConnectionError):
        loop.default_exception_handler(context)


def serve(paths: list[Path], port: int = 0, following: bool = False, browser: bool = True) -> None:
    """Show files in the browser until Ctrl-C.

    Parameters
    ----------
    paths
        Files of frames.
    port
        Where to listen; 0 for a free port.
    following
        Whether runs may still write the files.
    browser
        Whether to open the browser.

    Raises
    ------
    OSError
        A file cannot be read, or the port cannot be taken.
    ValueError
        A file is not of frames.
    """
    for name in ("wslink", "aiohttp", "trame_server"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    page = Page(paths, following)

    def opened(url: str) -> None:
        print(f"{url}\n  shows {', '.join(map(str, paths))}; Ctrl-C ends it", flush=True)
        if browser:
            webbrowser.open(url)

    try:
        asyncio.run(page.serve(port, opened))
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise OSError(
                f"cannot listen at --port {port} ({os.strerror(error.errno)}): give another, or "
                "none for a free one"
            ) from error
        raise
