"""What is in every run of the tests, and what only `scripts/test --long` adds."""

import pytest


def long(*values, id=None):
    """One set of parameters of a test that only the long form has."""
    return pytest.param(*values, id=id, marks=pytest.mark.long)


def in_every_run(names, short):
    """The names as parameters of a test, of which every run has those in `short`."""
    assert set(short) <= set(names), set(short) - set(names)
    return [name if name in short else long(name) for name in names]
