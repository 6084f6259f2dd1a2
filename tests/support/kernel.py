"""A Jupyter kernel for tests: cells are run in it, and their outputs looked at."""

from __future__ import annotations

import queue
import time

from jupyter_client.manager import start_new_kernel


class Cell:
    """What came of a cell.

    Attributes
    ----------
    streams : dict
        What it wrote to stdout and stderr.
    lines : list of str
        The text of each display, as it is at last.
    updates : int
        How often a display was changed.
    result : str or None
        The value of its last expression, as text.
    error : str or None
        "Name: words" of the exception that ended it.
    traceback : str
        What it shows of that exception.
    """

    def __init__(self):
        self.streams = {"stdout": "", "stderr": ""}
        self.updates = 0
        self.result = None
        self.error = None
        self.traceback = ""
        self._displays = {}

    @property
    def lines(self):
        return list(self._displays.values())

    def take(self, kind, content):
        """Take in a message of the kernel."""
        if kind == "stream":
            self.streams[content["name"]] += content["text"]
        elif kind == "error":
            self.error = f"{content['ename']}: {content['evalue']}"
            self.traceback = "\n".join(content["traceback"])
        elif kind == "execute_result":
            self.result = content["data"]["text/plain"]
        elif kind in ("display_data", "update_display_data"):
            name = content["transient"].get("display_id", len(self._displays))
            self.updates += kind == "update_display_data"
            self._displays[name] = content["data"]["text/plain"]


class Kernel:
    """A kernel of this Python. ``with Kernel() as kernel: kernel.run("1 + 1").result``."""

    def __init__(self, cwd):
        self._manager, self._client = start_new_kernel(kernel_name="python3", cwd=str(cwd))

    def run(self, code, interrupt_when=None, seconds=60):
        """Run a cell to its end; returns what came of it.

        interrupt_when: a function of the cell so far that says when to interrupt the kernel.
        """
        cell = Cell()
        message_id = self._client.execute(code)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                message = self._client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            if message["parent_header"].get("msg_id") != message_id:
                continue
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return cell
            cell.take(message["msg_type"], content)
            if interrupt_when is not None and interrupt_when(cell):
                interrupt_when = None
                self._manager.interrupt_kernel()
        raise AssertionError(f"no end after {seconds} s of\n{code}")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
