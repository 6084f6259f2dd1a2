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
    """Names after WRITE in every ``USEION ion ...`` statement of the NMODL `text`, e.g. {"ik",
    "ko"}.

    Comments (COMMENT blocks, ``:`` and ``?``), VERBATIM blocks and the title do not count; lists
    may run over lines.
    """
    return written_by_ion(text).get(ion, set())


def written_by_ion(text: str) -> dict[str, set[str]]:
    """`written_variables` of each ion that the NMODL `text` writes something of."""
    found = {}
    for ion, clauses in _USEION.findall(_NO_CODE.sub(" ", text)):
        names = {name.strip() for names in _WRITE.findall(clauses) for name in names.split(",")}
        found[ion] = found.get(ion, set()) | names
    return found


def used_ions(text: str) -> set[str]:
    """Names of ions in the ``USEION`` statements of the NMODL `text`, e.g. {"k", "na"}."""
    return {name for name, _ in _USEION.findall(_NO_CODE.sub(" ", text))}


def random_variables(text: str) -> list[str]:
    """Names after RANDOM, each a stream of random numbers of every instance."""
    code = _NO_CODE.sub(" ", text)
    return [name.strip() for names in _RANDOM.findall(code) for name in names.split(",")]
