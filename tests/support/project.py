"""The files that describe the project, as values."""

import json
import sys

from packaging.requirements import Requirement
import yaml

from support.ranks import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def text_of(name):
    return (ROOT / name).read_text()


PYPROJECT = tomllib.loads(text_of("pyproject.toml"))
PROJECT = PYPROJECT["project"]
CITATION = yaml.safe_load(text_of("CITATION.cff"))
CODEMETA = json.loads(text_of("codemeta.json"))


def wanted(requirements):
    """{name: lowest version, or ""} of requirements as pyproject.toml writes them."""
    found = {}
    for text in requirements:
        one = Requirement(text)
        lowest = str(one.specifier)
        found[one.name] = lowest.removeprefix(">=")
    return found
