"""The version of NEURON that is installed, without importing it."""

from __future__ import annotations

from importlib import metadata

WHEELS = ("neuron", "neuron-nightly")  # of a release, and of the last night


def installed_version() -> str | None:
    """Return the version of NEURON's wheel; None where there is none."""
    for wheel in WHEELS:
        try:
            return metadata.version(wheel)
        except metadata.PackageNotFoundError:
            continue
    return None
