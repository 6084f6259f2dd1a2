"""What describes the project to others says what pyproject.toml says."""

import re

import pytest
import yaml

from support.project import CITATION, CODEMETA, PROJECT, text_of
from support.ranks import ROOT

KINDS = {
    "Added",
    "Changed",
    "Deprecated",
    "Removed",
    "Fixed",
    "Security",
}
RELEASE = r"## (Unreleased|\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2})"
HEADING = re.compile(r"^#+ .*$", re.MULTILINE)
FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = sorted(path.name for path in FOLDER.glob("*.yml"))
MAY_WRITE = {
    "deploy": {"pages", "id-token"},
    "publish": {"id-token"},
}


def test_the_citation_is_of_this_project():
    assert CITATION["title"] == PROJECT["name"]
    for name in ("license", "keywords", "authors"):
        assert CITATION[name] == PROJECT[name]
    abstract = CITATION["abstract"]
    assert abstract == PROJECT["description"] + "."


def test_codemeta_says_what_the_citation_says():
    assert CODEMETA["@type"] == "SoftwareSourceCode"
    assert CODEMETA["name"] == CITATION["title"]
    for name in ("version", "keywords"):
        assert CODEMETA[name] == CITATION[name]
    licence = CITATION["license"]
    url = f"https://spdx.org/licenses/{licence}"
    assert CODEMETA["license"] == url
    (author,) = CODEMETA["author"]
    assert CITATION["authors"] == [{"name": author["name"]}]


def test_codemeta_and_the_citation_name_one_article():
    (cited,) = CITATION["references"]
    article = CODEMETA["referencePublication"]
    assert article["name"] == cited["title"]
    doi = f"https://doi.org/{cited['doi']}"
    assert article["identifier"] == doi


def test_codemeta_says_what_the_package_needs():
    needed = CODEMETA["softwareRequirements"]
    assert needed == PROJECT["dependencies"]
    python = PROJECT["requires-python"]
    assert CODEMETA["runtimePlatform"] == f"Python {python}"
    about = CODEMETA["description"]
    assert about == PROJECT["description"]


def test_headings_of_the_changelog_have_its_form():
    text = text_of("CHANGELOG.md")
    headings = HEADING.findall(text)
    first = ["# Changelog", "## Unreleased"]
    assert headings[:2] == first
    for heading in headings[1:]:
        kind = heading.removeprefix("### ")
        is_release = re.fullmatch(RELEASE, heading)
        assert is_release or kind in KINDS, heading


def read(workflow):
    return yaml.safe_load((FOLDER / workflow).read_text())


def commands_of(workflow):
    """The words of the commands of a workflow's steps."""
    found = []
    for job in read(workflow)["jobs"].values():
        for step in job["steps"]:
            command = step.get("run", "")
            found += command.split()
    return found


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_workflows_call_scripts_that_exist(workflow):
    words = commands_of(workflow)
    scripts = [word for word in words if word.startswith("scripts/")]
    assert scripts
    for script in scripts:
        mode = (ROOT / script).stat().st_mode
        assert mode & 0o100, script


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_workflows_write_only_what_they_publish(workflow):
    whole = read(workflow)
    assert whole["permissions"] == {"contents": "read"}
    for name, job in whole["jobs"].items():
        allowed = MAY_WRITE.get(name, set())
        given = job.get("permissions", {})
        assert set(given) == allowed, name


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_workflows_end(workflow):
    for name, job in read(workflow)["jobs"].items():
        minutes = job["timeout-minutes"]
        assert minutes <= 120, name
