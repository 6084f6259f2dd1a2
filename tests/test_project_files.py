"""What describes the project to others says what pyproject.toml says."""

import json
from pathlib import Path
import re
import sys

import pytest
import yaml

from support.ranks import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
CODEMETA = json.loads((ROOT / "codemeta.json").read_text())
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_citation_is_of_this_project():
    assert CITATION["title"] == PROJECT["name"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["keywords"] == PROJECT["keywords"]
    assert CITATION["authors"] == PROJECT["authors"]
    assert CITATION["abstract"].rstrip(".") == PROJECT["description"]


def test_codemeta_says_what_the_citation_says():
    assert CODEMETA["@type"] == "SoftwareSourceCode"
    assert CODEMETA["name"] == CITATION["title"]
    assert CODEMETA["version"] == CITATION["version"]
    assert CODEMETA["license"] == f"https://spdx.org/licenses/{CITATION['license']}"
    assert [author["name"] for author in CODEMETA["author"]] == ["the ecsmpi authors"]
    assert CODEMETA["keywords"] == CITATION["keywords"]
    assert CODEMETA["description"] == PROJECT["description"]
    article = CITATION["references"][0]
    assert CODEMETA["referencePublication"]["name"] == article["title"]
    assert CODEMETA["referencePublication"]["identifier"].endswith(article["doi"])


def test_codemeta_lists_the_dependencies():
    assert CODEMETA["softwareRequirements"] == PROJECT["dependencies"]
    assert CODEMETA["runtimePlatform"] == f"Python {PROJECT['requires-python']}"


def test_headings_of_the_changelog_have_its_form():
    headings = re.findall(r"^(#+ .*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[:2] == ["# Changelog", "## Unreleased"]
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    for heading in headings[1:]:
        release = re.fullmatch(r"## (Unreleased|\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2})", heading)
        assert release or heading.removeprefix("### ") in kinds, heading


def commands_of(workflow):
    """The command lines of a workflow's steps."""
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    steps = [step for job in jobs for step in job["steps"]]
    return [line for step in steps for line in step.get("run", "").splitlines()]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_call_scripts_that_exist(workflow):
    scripts = {
        word
        for command in commands_of(workflow)
        for word in command.split()
        if word.startswith("scripts/")
    }
    assert scripts
    for script in scripts:
        assert Path(ROOT / script).stat().st_mode & 0o100, script


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_may_write_only_what_they_publish(workflow):
    read = yaml.safe_load(workflow.read_text())
    assert read["permissions"] == {"contents": "read"}
    for name, job in read["jobs"].items():
        allowed = {"deploy": {"pages", "id-token"}, "publish": {"id-token"}}.get(name, set())
        assert set(job.get("permissions", {})) == allowed, name
        assert job["timeout-minutes"] <= 120, name
