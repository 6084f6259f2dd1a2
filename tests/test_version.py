"""The version is that of git's tags: in a checkout, between tags, in an archive, without git."""

import re
import shutil
import subprocess
import sys

import pytest

from support.ranks import ROOT

IDENTITY = ("-c", "user.name=n", "-c", "user.email=n@example.org")


def git(folder, *words):
    done = subprocess.run(
        ["git", *IDENTITY, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def version_in(folder):
    done = subprocess.run(
        [sys.executable, "-m", "setuptools_scm"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository of one commit, with this project's rules for versions."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in ("pyproject.toml", ".gitattributes", ".git_archival.txt"):
        shutil.copyfile(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "one")
    return folder


def archived(repository, folder):
    """What a host of the repository offers as an archive of its files, unpacked."""
    folder.mkdir()
    git(repository, "archive", "HEAD", "--output", folder.with_suffix(".zip"))
    shutil.unpack_archive(folder.with_suffix(".zip"), folder)
    return folder


def test_a_tag_is_the_version_also_in_an_archive(repository, tmp_path):
    git(repository, "tag", "v1.2.3")
    assert version_in(repository) == "1.2.3"
    assert version_in(archived(repository, tmp_path / "archive")) == "1.2.3"


def test_a_commit_after_a_tag_is_on_the_way_to_the_next(repository, tmp_path):
    git(repository, "tag", "v1.2.3")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "two")
    commit = git(repository, "rev-parse", "HEAD").strip()
    for folder in (repository, archived(repository, tmp_path / "archive")):
        found = re.fullmatch(r"1\.2\.4\.dev1\+g([0-9a-f]+)", version_in(folder))
        assert commit.startswith(found[1])


def test_without_a_tag_the_first_version_is_under_way(repository, tmp_path):
    assert re.fullmatch(r"0\.1\.dev1\+g[0-9a-f]+", version_in(repository))
    assert version_in(archived(repository, tmp_path / "archive")) == "0.1.dev0"
