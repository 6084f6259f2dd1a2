"""Packages that only some commands need: pip installs them with an extra of ecsmpi.

A module that draws or shows imports such a package through `need`, where it is used, so that a
run without the package works, and a command that needs it says what to install.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


class MissingPackageError(ImportError):
    """A package is missing that an extra of ecsmpi installs."""


def need(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a module of a package that an extra of ecsmpi installs.

    Parameters
    ----------
    module
        The module's full name, as in ``"matplotlib.figure"``.
    extra
        The extra that installs it, as in ``"plot"``.
    purpose
        What needs the package, as the message begins: ``"a picture"``.

    Raises
    ------
    MissingPackageError
        The package is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != package:
            raise  # the package is there, and misses another one
        raise MissingPackageError(
            f"{purpose} needs the package {package}, which is not installed: "
            f"python -m pip install 'ecsmpi[{extra}]'"
        ) from error
