"""`ecsmpi init DIR`: copy mechanisms, example scripts and batch jobs into a folder of the user."""

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import ecsmpi

PACKAGE = Path(ecsmpi.__file__).resolve().parent
# pyproject.toml maps the folders of a checkout into this one of a wheel.
IN_WHEEL = PACKAGE / "_project"
MOST_NAMED = 5  # files in the way that a message names


@dataclass(frozen=True)
class Part:
    """Files of one folder.

    Attributes
    ----------
    folder
        Where they lie, both in a checkout and in the user's folder.
    patterns
        Which files of that folder.
    about
        What they are, for the user.
    """

    folder: str
    patterns: tuple[str, ...]
    about: str


PARTS = (
    Part("mod", ("*.mod",), "mechanisms of the examples"),
    Part("scripts", ("ca1_potassium.py",), "potassium around a pyramidal cell"),
    Part("scripts/tutorial", ("*.py",), "parts of NEURON's tutorial; pictures need ecsmpi[plot]"),
    Part("scripts/models", ("*.py",), "published models of spreading depolarization"),
    Part("slurm", ("*.sbatch", "site.sh", "sweep.txt"), "jobs for SLURM; edit site.sh first"),
)


def add_parser(subparsers):
    """Add `init` to the command's subparsers."""
    parser = subparsers.add_parser(
        "init",
        help="copy mechanisms, example scripts and batch jobs into a folder",
        description="Copy the mechanisms, the example scripts and the jobs for SLURM that come "
        "with ecsmpi into a folder, and print the next two commands. Files that are there already "
        "are never overwritten.",
        epilog="example: ecsmpi init potassium",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder; made if missing")
    parser.set_defaults(func=init)


def init(args):
    """Copy the files and print what is there.

    Raises
    ------
    ValueError
        The folder has files of these names, or a path in which nrnivmodl fails.
    OSError
        The folder cannot be written, or this installation lacks the files.
    """
    files = project_files()
    _check(args.folder, files)
    for name, source in files.items():
        target = args.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    print(_report(args.folder, files))


def project_files():
    """{path in the user's folder: path of the file that is copied there}.

    Raises
    ------
    OSError
        A part has no files.
    """
    root = IN_WHEEL if IN_WHEEL.is_dir() else PACKAGE.parent
    files = {}
    for part in PARTS:
        for pattern in part.patterns:
            found = sorted((root / part.folder).glob(pattern))
            if not found:
                raise OSError(
                    f"this installation lacks {root / part.folder}/{pattern}: install ecsmpi from "
                    "a wheel or a whole checkout"
                )
            for source in found:
                files[f"{part.folder}/{source.name}"] = source
    return files


def _check(folder, files):
    """Refuse a folder before anything is written into it."""
    whole = folder.absolute()
    if any(letter.isspace() for letter in str(whole)):
        raise ValueError(
            f"nrnivmodl fails where a path has a space: choose another folder than {whole}"
        )
    for place in (folder, *(folder / part.folder for part in PARTS)):
        if (place.exists() or place.is_symlink()) and not place.is_dir():
            raise ValueError(f"{place} is not a folder: choose another folder than {folder}")
    there = [name for name in files if (folder / name).exists() or (folder / name).is_symlink()]
    if there:
        named = ", ".join(there[:MOST_NAMED])
        more = f" and {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else ""
        raise ValueError(
            f"{folder} has files that init would overwrite: choose another folder, or move "
            f"them away: {named}{more}"
        )


def _report(folder, files):
    """What is in the folder, and what comes next."""
    lines = [f"{folder} has"]
    for part in PARTS:
        names = [name for name in files if Path(name).parent == Path(part.folder)]
        place = names[0] if len(names) == 1 else f"{part.folder}/ ({len(names)} files)"
        lines.append(f"  {place:<28} {part.about}")
    example = "ecsmpi run scripts/ca1_potassium.py --output ca1_potassium.h5 --every 200"
    return "\n".join(
        [
            *lines,
            "next, or with mpirun -n 2 before ecsmpi, on two processes",
            f"  cd {shlex.quote(str(folder))} && (cd mod && nrnivmodl)",
            f"  {example}",
        ]
    )
