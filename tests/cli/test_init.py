"""`ecsmpi init`: what it copies, what it refuses, and that a wheel carries all of it."""

from pathlib import Path
import shutil
import subprocess
import sys
import zipfile

from ecsmpi.cli import init, main
import pytest

from support.ranks import ROOT, mpirun


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def tracked(*folders):
    """Files that git tracks, or those of a source distribution, in folders of the checkout."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        told = subprocess.run(
            [*command, "--", *folders], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return {name for name in told.stdout.split("\0") if (ROOT / name).is_file() and name}
    return {
        str(Path(folder) / name) for folder in folders for name in files_below(ROOT / folder)
    }


def test_it_copies_what_a_user_needs_and_nothing_else(tmp_path, capsys):
    folder = tmp_path / "new" / "potassium"
    assert main(["init", str(folder)]) == 0
    names = files_below(folder)
    mechanisms = {name for name in tracked("mod") if name.endswith(".mod")}
    examples = {name for name in tracked("scripts") if name.endswith(".py")}
    assert names == mechanisms | examples | tracked("slurm")
    for name in names:
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes()
    said = capsys.readouterr().out
    assert f"  mod/ ({len(mechanisms)} files)" in said
    assert f"  cd {folder} && (cd mod && nrnivmodl)\n" in said


def test_the_commands_that_it_prints_work(tmp_path, capsys):
    folder = tmp_path / "potassium"
    main(["init", str(folder)])
    compiling, running = capsys.readouterr().out.splitlines()[-2:]
    assert "nrnivmodl" in compiling
    words = ["bash", "-e", "-c", f"{compiling}\n{running} --tstop 400"]
    done = mpirun(None, words, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    told = mpirun(None, ["ecsmpi", "info", folder / "ca1_potassium.h5"])
    assert "0 to 400 ms" in told.stdout, told.stdout


def test_it_overwrites_no_file_and_names_those_in_its_way(tmp_path, capsys):
    own = tmp_path / "mod" / "steady_k.mod"
    own.parent.mkdir()
    own.write_text("mine")
    assert main(["init", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said == (
        f"ecsmpi: {tmp_path} has files that init would overwrite: choose another folder, or move "
        "them away: mod/steady_k.mod\n"
    )
    assert files_below(tmp_path) == {"mod/steady_k.mod"}
    assert own.read_text() == "mine"


def test_of_many_files_in_its_way_it_names_a_few(tmp_path, capsys):
    assert main(["init", str(tmp_path)]) == 0
    count = len(files_below(tmp_path))
    capsys.readouterr()
    assert main(["init", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.endswith(f" and {count - 5} more\n")
    assert said.count(", ") == 5  # one before "or move", four between the names


def test_other_files_of_the_folder_stay(tmp_path):
    (tmp_path / "mod").mkdir()
    (tmp_path / "mod" / "own.mod").write_text("mine")
    assert main(["init", str(tmp_path)]) == 0
    assert (tmp_path / "mod" / "own.mod").read_text() == "mine"


@pytest.mark.parametrize("in_its_way", ["potassium", "potassium/scripts"])
def test_a_file_where_a_folder_should_be_is_refused(in_its_way, tmp_path, capsys):
    place = tmp_path / in_its_way
    place.parent.mkdir(exist_ok=True)
    place.write_text("a file")
    assert main(["init", str(tmp_path / "potassium")]) == 2
    assert f"{place} is not a folder: choose another" in capsys.readouterr().err
    assert files_below(tmp_path) == {in_its_way}


def test_a_path_with_a_space_is_refused(tmp_path, capsys):
    assert main(["init", str(tmp_path / "my models")]) == 2
    assert "nrnivmodl fails where a path has a space" in capsys.readouterr().err
    assert files_below(tmp_path) == set()


def test_an_installation_without_the_files_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(init, "IN_WHEEL", tmp_path)
    assert main(["init", str(tmp_path / "potassium")]) == 2
    assert f"this installation lacks {tmp_path}/mod/*.mod" in capsys.readouterr().err


def test_a_wheel_carries_what_init_copies(tmp_path):
    """Built from a copy without git, so that nothing is written into the checkout."""
    source = tmp_path / "source"
    for name in tracked("."):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    build = [
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        tmp_path,
        source,
    ]
    done = subprocess.run([sys.executable, "-m", *build], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == "ecsmpi-0.1.dev0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    inside = f"ecsmpi/{init.IN_WHEEL.name}/"
    carried = {name.removeprefix(inside) for name in names if name.startswith(inside)}
    assert carried == set(init.project_files())
    others = {name for name in names if "dist-info" not in name and not name.startswith(inside)}
    assert others == tracked("ecsmpi")
