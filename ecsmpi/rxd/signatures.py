"""What `help` and shift-tab show of classes that NEURON's arguments make by ``__new__``, which
hides those of ``__init__``.
"""

from __future__ import annotations

import inspect


def shows_arguments(kind: type) -> type:
    """Show the arguments of a class's ``__init__`` as those of the class."""
    of_init = inspect.signature(kind.__init__)
    kind.__signature__ = of_init.replace(parameters=list(of_init.parameters.values())[1:])
    return kind


def with_keywords(signature: inspect.Signature, **defaults) -> inspect.Signature:
    """A signature with further keywords at its end."""
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in defaults.items()
    ]
    return signature.replace(parameters=[*signature.parameters.values(), *added])


def shows(**defaults):
    """Show a class as one that takes a scheme and its rates, and these keywords with their
    defaults.
    """
    scheme_and_rates = inspect.Parameter("scheme_and_rates", inspect.Parameter.VAR_POSITIONAL)
    signature = with_keywords(inspect.Signature([scheme_and_rates]), **defaults)

    def show(kind: type) -> type:
        kind.__signature__ = signature
        return kind

    return show
