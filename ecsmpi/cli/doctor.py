"""`ecsmpi doctor`: check that this machine runs ecsmpi, and name the cure for what does not.

It works under mpirun too.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ecsmpi import __version__
from ecsmpi.kernels.library import linker as found_linker
from ecsmpi.neuron_api import library, symbols
from ecsmpi.neuron_api.neuron_start import start
from ecsmpi.neuron_api.wheel import installed_version
from ecsmpi.ranks import code_folders, cores, launch, wheels
from ecsmpi.ranks.launchers import INSTALL_MPI as CURE

OLDEST_NEURON = (9, 0, 2)  # older solvers have a wrong factor at the faces in x


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes
    ----------
    topic
        What was checked.
    detail
        What was found.
    cure
        What to do about a problem; empty where there is none.
    """

    topic: str
    detail: str
    cure: str = ""

    def __str__(self):
        state = "problem" if self.cure else "ok"
        line = f"{state:<8} {self.topic:<14} {self.detail}"
        if self.cure:
            line += f"\n{'':<24}cure: {self.cure}"
        return line


def add_parser(subparsers):
    """Add `doctor` to the command's subparsers."""
    parser = subparsers.add_parser(
        "doctor",
        help="check MPI, NEURON, HDF5 and threads, and name the cure",
        description="Check this installation; status 1 where something is wrong. Run it "
        "as you run a model.",
        epilog="example: mpirun -n 2 ecsmpi doctor",
    )
    parser.set_defaults(func=doctor)


def doctor(_args):
    """Print the findings. Collective under mpirun.

    Returns status 1 where there is a problem, else 0.
    """
    try:
        comm = start()
    except (RuntimeError, ImportError, OSError) as error:
        comm, started = None, Finding("ranks", str(error), "start it as the line above says")
    except (AttributeError, ValueError) as error:  # NEURON lacks a symbol
        cure = "install a NEURON that has the symbols that are missing below"
        comm, started = None, Finding("ranks", str(error), cure)
    else:
        started = Finding("ranks", f"{comm.size}, the same for MPI and NEURON")
    own_threads = os.environ.get("NUMBA_NUM_THREADS", str(len(os.sched_getaffinity(0))))
    threads = [own_threads] if comm is None else comm.allgather(own_threads)
    shared = cores.why_shared()
    findings = []
    if comm is None or comm.rank == 0:
        findings.append(started)
        for check in _checks(threads, shared):
            findings += check
        print("\n".join(map(str, findings)), flush=True)
    has_problem = any(finding.cure for finding in findings)
    return int(has_problem if comm is None else comm.bcast(has_problem))


def _checks(threads, shared):
    """All checks; each yields findings.

    threads: of every rank. shared: why ranks share cores, or "".
    """
    return (
        _own_version(),
        _python(),
        _mpi(),
        _launcher(),
        _neuron(),
        _neurons_symbols(),
        _neurons_mpi(),
        _hdf5(),
        _numba(threads),
        _cores(shared),
        _compiled(),
        _compiler(),
        _mechanism(),
    )


def _own_version():
    yield Finding("ecsmpi", f"{__version__} {Path(__file__).resolve().parents[1]}")


def _python():
    yield Finding("Python", f"{platform.python_version()} {sys.executable}")


def _mpi():
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        why = str(error).strip().splitlines()[0]
        yield Finding("MPI", f"{why}: one process works, several do not", CURE)
        return
    libraries = ", ".join(launch.mpi_libraries())
    detail = f"{_library(MPI)}, mpi4py {metadata.version('mpi4py')}, {libraries}"
    yield Finding("MPI", detail)


def _library(MPI):
    """Name and version of the MPI library, e.g. "Open MPI v4.1.4"."""
    return " ".join(re.split(r"[,\n\0]", MPI.Get_library_version())[0].split())


def _launcher():
    """The mpirun on PATH must be of the MPI library's family, or every rank would be alone."""
    path = shutil.which("mpirun")
    if path is None and shutil.which("srun"):
        yield Finding("mpirun", "none on PATH; srun is")
        return
    if path is None:
        cure = "put the mpirun of the MPI library above on PATH, or activate .venv"
        yield Finding("mpirun", "none on PATH", cure)
        return
    text = subprocess.run(
        [path, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL
    ).stdout
    name = re.match(r"[^\d]*[^\n]*", text)[0]  # MPICH's has its number in the second line
    name = " ".join(name.split()) or "says no version"
    families = {_family(text), _family(_mpi_version())}
    cure = "start with the mpirun of the MPI library above" if len(families - {None}) == 2 else ""
    yield Finding("mpirun", f"{path}: {name}", cure)


def _mpi_version():
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError):
        return ""
    return MPI.Get_library_version()


def _family(version):
    """ "open", "mpich" or None, from a version's text.

    "mpich" stands for its relatives too, whose launchers start each other's programs.
    """
    if re.search(r"open[- ]?mpi|open-rte|prrte", version, re.IGNORECASE):
        return "open"
    if re.search(r"mpich|hydra|intel|mvapich|cray", version, re.IGNORECASE):
        return "mpich"
    return None


def _neuron():
    version = installed_version()
    if version is None:
        yield Finding("NEURON", "not installed", "pip install 'neuron>=9.0.2'")
        return
    old = tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < OLDEST_NEURON
    yield Finding("NEURON", version, "pip install 'neuron>=9.0.2'" if old else "")


def _neurons_symbols():
    """Whether NEURON has all private names that ecsmpi uses; nothing where it is not imported."""
    if "neuron" not in sys.modules:
        return
    topic = "NEURON's symbols"
    missing = library.missing()
    if not missing:
        yield Finding(topic, f"all {len(symbols.TABLE)} found")
    for entry in missing:
        detail = f"{entry.name} is missing ({entry.purpose}): {entry.without}"
        yield Finding(topic, detail, f"install NEURON {entry.versions[0]}, or a later ecsmpi")


def _neurons_mpi():
    """The MPI library that NEURON finds by itself.

    Where it is not mpi4py's, scripts that import ecsmpi.rxd first still work.
    """
    libraries = launch.mpi_libraries()
    if not libraries:
        return
    found, own = wheels.neurons_library(), wheels.wheel_library() or libraries[0]
    what = "in nrniv -mpi, and in scripts that import neuron before ecsmpi.rxd"
    if not found:
        yield Finding("NEURON's MPI", f"none; for nrniv -mpi: {wheels.how_neuron_finds(own)}")
    elif os.path.samefile(found, own):
        yield Finding("NEURON's MPI", f"the same, also {what}")
    else:
        yield Finding("NEURON's MPI", f"{found} {what}; for these: {wheels.how_neuron_finds(own)}")


def _hdf5():
    """A serial h5py is no problem; one that is linked against another MPI library is."""
    try:
        import h5py
    except (ImportError, RuntimeError) as error:
        yield Finding("HDF5", str(error), "pip install h5py, or run scripts/setup")
        return
    kind = "not parallel: each rank writes a file of its own"
    if h5py.get_config().mpi:
        kind = "parallel"
    detail = f"{h5py.version.hdf5_version}, h5py {h5py.__version__}, {kind}"
    libraries = launch.mpi_libraries()
    if len(libraries) > 1:
        detail += f"; two MPI libraries: {', '.join(libraries)}"
        yield Finding("HDF5", detail, "build h5py against mpi4py's MPI library: scripts/setup")
    else:
        yield Finding("HDF5", detail)


def _numba(threads):
    """Threads of every rank, beside the cores of this node."""
    try:
        import numba
    except ImportError as error:
        yield Finding("threads", str(error), "pip install numba")
        return
    counts = "/".join(sorted(set(threads)))
    available = len(os.sched_getaffinity(0))
    yield Finding("threads", f"{counts} a rank on {available} cores, numba {numba.__version__}")


def _compiled():
    """Where compiled code is kept between runs."""
    chosen = os.environ.get(code_folders.CHOSEN)
    try:
        notice = code_folders.settle()
    except OSError as error:
        cure = f"set {code_folders.CHOSEN} to a folder of your own, chmod 700"
        yield Finding("compiled code", str(error), cure)
        return
    folder = chosen or os.environ.get(code_folders.CHOSEN)
    usual = "beside the package, or in the user's cache folder"
    linker = found_linker()
    linked = f"linked by {linker}" if linker else "no linker: each rank loads numba, 80 MB more"
    yield Finding("compiled code", f"{notice or folder or usual}; {linked}")


def _cores(shared):
    """How ranks and threads wait: spinning, or so that others get their core."""
    ranks = "yield" if os.environ.get(cores.YIELD) == "1" else "as MPI has it"
    threads = "sleep" if os.environ.get(cores.SPIN) == "0" else "spin shortly, then sleep"
    sharing = f"shared: {shared}" if shared else "not shared"
    yield Finding("cores", f"{sharing}; waiting ranks {ranks}, waiting threads {threads}")


def _compiler():
    """nrnivmodl compiles a model's mechanisms; without a compiler NEURON's own ones still run."""
    compilers = [name for name in ("g++", "c++", "clang++") if shutil.which(name)]
    missing = [name for name in ("nrnivmodl", "make") if shutil.which(name) is None]
    if not compilers:
        missing.append("a C++ compiler")
    if missing:
        cure = "activate the environment NEURON is in, and install g++ and make"
        yield Finding("compiler", f"not found: {', '.join(missing)}", cure)
    else:
        yield Finding("compiler", f"{compilers[0]}, nrnivmodl")


def _mechanism():
    """The mechanism of the example in a checkout; an installed package has none."""
    source = Path(__file__).resolve().parents[2] / "mod" / "steady_k.mod"
    if not source.exists():
        return
    built = [path.parent for path in source.parent.glob("*/libnrnmech*")]
    if built:
        yield Finding("steady_k", f"compiled in {built[0]}")
    else:
        yield Finding("steady_k", "not compiled", "scripts/setup, or nrnivmodl in mod/")
