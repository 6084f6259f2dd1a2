"""What the NMODL text of a mechanism says about ions and random streams: text only."""

import re

# Tried from left to right at each place, as a compiler reads: a COMMENT behind a ":" opens no
# block.
_NO_CODE = re.compile(
    r"\bCOMMENT\b.*?\bENDCOMMENT\b|\bVERBATIM\b.*?\bENDVERBATIM\b|^[ \t]*TITLE\b[^\n]*|[:?][^\n]*",
    re.DOTALL | re.MULTILINE,
)
_NAMES = r"\w+(?:\s*,\s*\w+)*"
_USEION = re.compile(rf"\bUSEION\s+(\w+)((?:\s+(?:READ|WRITE)\s+{_NAMES})*)")
_RANDOM = re.compile(rf"^\s*RANDOM\s+({_NAMES})", re.MULTILINE)
_WRITE = re.compile(rf"\bWRITE\s+({_NAMES})")


def written_variables(text: str, ion: str) -> set[str]:
    """Names after WRITE in every ``USEION ion ...`` statement of a text, e.g. {"ik", "ko"}.

    Comments (COMMENT blocks, ``:`` and ``?``), VERBATIM blocks and the title do not count; lists
    may run over lines.
    """
    return written_by_ion(text).get(ion, set())


def written_by_ion(text: str) -> dict[str, set[str]]:
    """`written_variables` of each ion in the ``USEION`` statements of a text."""
    found: dict[str, set[str]] = {}
    for ion, clauses in _USEION.findall(_without_comments(text)):
        written = found.setdefault(ion, set())
        for names in _WRITE.findall(clauses):
            written.update(_split(names))
    return found


def used_ions(text: str) -> set[str]:
    """Names of ions in the ``USEION`` statements of a text, e.g. {"k", "na"}."""
    return {name for name, _ in _USEION.findall(_without_comments(text))}


def random_variables(text: str) -> list[str]:
    """Names after RANDOM in a text; each is a stream of random numbers of every instance."""
    found = []
    for names in _RANDOM.findall(_without_comments(text)):
        found += _split(names)
    return found


def _without_comments(text: str) -> str:
    return _NO_CODE.sub(" ", text)


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]
