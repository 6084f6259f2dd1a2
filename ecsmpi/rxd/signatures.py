"""Signatures that `help` and shift-tab show for classes with a general ``__new__``.

Such a class passes its arguments to NEURON's class if nothing extracellular is among them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

Kind = TypeVar("Kind", bound=type)


def shows_arguments(kind: Kind) -> Kind:
    """Class decorator: show the arguments of ``__init__`` as those of the class."""
    of_init = inspect.signature(vars(kind)["__init__"])
    _show(kind, of_init.replace(parameters=list(of_init.parameters.values())[1:]))
    return kind


def shows_arguments_of(function: Callable[..., Any]) -> Callable[[Kind], Kind]:
    """Class decorator: show the arguments of a function as those of the class."""

    def show(kind: Kind) -> Kind:
        _show(kind, inspect.signature(function))
        return kind

    return show


def with_keyword(signature: inspect.Signature, name: str, kind: str) -> inspect.Signature:
    """A signature with another keyword at its end, whose default is None.

    Parameters
    ----------
    signature
        The signature without it.
    name, kind
        The keyword, and its type.
    """
    keyword = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
    return signature.replace(parameters=[*signature.parameters.values(), keyword])


def _show(kind: type, signature: inspect.Signature) -> None:
    kind.__signature__ = signature  # type: ignore[attr-defined]
