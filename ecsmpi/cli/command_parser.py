"""The parser of the command `ecsmpi` and of each subcommand: what it prints where words are wrong.

Every parser below one of this class is of this class too.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import time
from collections.abc import Iterator

from ecsmpi.ranks import launch

EXAMPLE = "example"


class _HelpFormatter(argparse.HelpFormatter):
    """A formatter that keeps the lines of an epilog of examples as they are."""

    def _fill_text(self, text, width, indent):
        if not text.startswith(EXAMPLE):
            return super()._fill_text(text, width, indent)
        return "".join(f"{indent}{line}\n" for line in text.splitlines())


class CommandParser(argparse.ArgumentParser):
    """A parser whose first rank alone prints what is wrong, before any rank has started MPI.

    Without any word, a parser that needs a subcommand prints its help. A word that a subcommand
    does not know is answered with the usage of that subcommand, and with the nearest option.
    """

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("formatter_class", _HelpFormatter)
        super().__init__(*args, **kwargs)
        self.set_defaults(parser=self)  # a subcommand's own takes the place of this one

    def parse_args(self, args=None, namespace=None):
        """Return the arguments of the words; end the process where one is unknown."""
        args, unknown = self.parse_known_args(args, namespace)
        if unknown:
            args.parser.error(_unknown(unknown, args.parser))
        return args

    def parse_known_args(self, args=None, namespace=None):
        """Return the arguments and the words that are unknown; print the help without any word."""
        words = sys.argv[1:] if args is None else args
        if not words and any(True for _ in subcommands(self)):
            self.print_help()
            self.exit()
        return super().parse_known_args(words, namespace)

    def print_help(self, file=None):
        """Print the help, on rank 0."""
        if launch.launched_rank() == 0:
            super().print_help(file)

    def error(self, message):
        """Print the usage and the message on rank 0, and end every rank with status 2."""
        if launch.launched_rank() > 0:
            # Leaving at once would end the first rank before it has printed.
            time.sleep(launch.OTHERS_WAIT)
            sys.exit(2)
        super().error(message)

    def exit(self, status=0, message=None):
        """End the process; that nobody reads the help to its end is no error."""
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            leave_broken_pipe()
        super().exit(status, message)


def leave_broken_pipe() -> None:
    """Let standard output lead nowhere, or Python complains as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def subcommands(
    parser: argparse.ArgumentParser,
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield (name, parser) of each subcommand of a parser, in their order."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _unknown(words: list[str], parser: argparse.ArgumentParser) -> str:
    """Return the message about words that a parser does not know."""
    message = f"unrecognized arguments: {' '.join(words)}"
    option = words[0].partition("=")[0]
    nearest = difflib.get_close_matches(option, parser._option_string_actions, n=1)
    if nearest:
        message += f"; did you mean {nearest[0]}?"
    return message
