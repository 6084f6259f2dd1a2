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


def shows_scheme_and(**defaults: Any) -> Callable[[Kind], Kind]:
    """Class decorator: show a scheme with its rates, and keywords with these defaults."""
    scheme_and_rates = inspect.Parameter("scheme_and_rates", inspect.Parameter.VAR_POSITIONAL)

    def show(kind: Kind) -> Kind:
        _show(kind, with_keywords(inspect.Signature([scheme_and_rates]), **defaults))
        return kind

    return show


def with_keywords(signature: inspect.Signature, **defaults: Any) -> inspect.Signature:
    """A signature with further keywords at its end."""
    keywords = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in defaults.items()
    ]
    return signature.replace(parameters=[*signature.parameters.values(), *keywords])


def _show(kind: type, signature: inspect.Signature) -> None:
    kind.__signature__ = signature  # type: ignore[attr-defined]
