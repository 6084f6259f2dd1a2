"""Whether threads share the compiled loops that follow, in this process."""

from __future__ import annotations

_shared = False


def let_threads_share(shared: bool) -> None:
    """Let threads share the loops that follow, or let one thread do each of them."""
    global _shared
    _shared = shared


def threads_share() -> bool:
    """Whether threads share the loops that follow."""
    return _shared
