"""The commands of `ecsmpi` on the page reference/command_line, from the parsers themselves.

Each command is a section below what the page says itself: what `--help` prints of it, and its
example. No word is copied by hand, so the page and the commands cannot differ.
"""

import argparse
import re
import textwrap

from ecsmpi.cli import command_parser
from ecsmpi.cli.command_parser import EXAMPLE, subcommands

PAGE = "reference/command_line"
WIDTH = 88  # characters in a line of usage


def commands_as_markdown():
    """Return MyST Markdown with a section for each command."""
    lines = []
    for _, parser in subcommands(command_parser()):
        lines += _section(parser, level=2)
    return "\n".join(lines)


def _section(parser, level):
    """Return the lines of a command and of those below it."""
    lines = ["#" * level + " " + parser.prog, "", escaped(parser.description or ""), ""]
    below = list(subcommands(parser))
    if not below:
        lines += [*_usage(parser), *_examples(parser), *_options(parser)]
    for _, one in below:
        lines += _section(one, level + 1)
    return lines


def _usage(parser):
    words = " ".join(parser.format_usage().removeprefix("usage: ").split())
    folded = textwrap.wrap(
        words, WIDTH, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False
    )
    return ["```text", *folded, "```", ""]


def _examples(parser):
    """Return a block of the commands in the parser's epilog."""
    text = parser.epilog or ""
    if not text.startswith(EXAMPLE):
        return []
    commands = [line.strip() for line in text.partition(":")[2].splitlines()]
    return ["For example:", "", "```console", *[f"$ {command}" for command in commands], "```", ""]


def _options(parser):
    """Return an entry for each argument and option, as Sphinx's domain of options has them."""
    lines = ["```{program} " + parser.prog, "```", ""]
    formatter = argparse.HelpFormatter(parser.prog)
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        name = formatter._format_action_invocation(action)
        name = re.sub(r"\s+", " ", name)
        said = formatter._expand_help(action) if action.help else ""
        lines += ["````{option} " + name, escaped(said), "````", ""]
    return lines


def escaped(text):
    """Return text that Markdown shows as it is; options, and what stands in backticks, are code."""
    parts = re.sub(r"(?<![\w`-])--[a-z][\w-]*", r"`\g<0>`", text).split("`")
    parts[::2] = [re.sub(r"([\\*_<>\[\]$#|{}])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def _add_commands(app, docname, source):
    if docname == PAGE:
        source[0] += "\n" + commands_as_markdown() + "\n"


def _reread(app, env, added, changed, removed):
    """The page is read anew in each build: the parsers may have changed, and no file tells."""
    return [PAGE] if PAGE in env.found_docs else []


def setup(app):
    """Add the commands when the page is read."""
    app.connect("source-read", _add_commands)
    app.connect("env-get-outdated", _reread)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
