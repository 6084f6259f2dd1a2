"""Options that several kinds of `ecsmpi bench` share, and the checks of their values."""

from __future__ import annotations

import argparse

from ecsmpi.benchmarks.peers.catalogue import NAMES
from ecsmpi.benchmarks.repetition import FEWEST

LAUNCHER = "mpirun"
JSON_HELP = "append what was measured to this file, a JSON line each, with versions and processor"


def add_shape(parser, default, what="voxels of the box"):
    """Add --shape NX NY NZ."""
    numbers = " ".join(map(str, default))
    parser.add_argument(
        "--shape",
        type=positive,
        nargs=3,
        default=default,
        metavar=("NX", "NY", "NZ"),
        help=f"{what} (default: {numbers})",
    )


def add_problem(parser):
    """Add --dt, --dx and --species."""
    parser.add_argument(
        "--dt", type=number, default=0.025, metavar="MS", help="time step (default: 0.025)"
    )
    parser.add_argument(
        "--dx", type=number, default=5.0, metavar="UM", help="edge of a voxel (default: 5)"
    )
    add_species(parser)


def add_species(parser):
    """Add --species."""
    parser.add_argument(
        "--species", type=positive, default=1, metavar="S", help="species in the box (default: 1)"
    )


def add_segments(parser, of):
    """Add --segments."""
    parser.add_argument(
        "--segments",
        type=count,
        default=0,
        metavar="M",
        help=f"segments of cells {of} (default: 0)",
    )


def add_scaling(parser):
    """Add --ranks, --threads, --mpirun, --repetitions and --seconds: a list of launches."""
    parser.add_argument(
        "--ranks",
        type=numbers,
        metavar="P,P,...",
        help="start mpirun for each of these numbers of ranks",
    )
    parser.add_argument(
        "--threads",
        type=numbers,
        metavar="T,T,...",
        help="threads of each rank; several with --ranks only (default: the rank's cores)",
    )
    add_launcher(parser)
    add_effort(parser)


def add_threads(parser):
    """Add --threads, one number for one launch."""
    parser.add_argument(
        "--threads",
        type=positive,
        metavar="T",
        help="threads of each rank (default: the rank's cores)",
    )


def add_effort(parser):
    """Add --repetitions and --seconds."""
    parser.add_argument(
        "--repetitions",
        type=repetitions,
        default=20,
        metavar="N",
        help=f"measure at least this many repetitions, {FEWEST} or more (default: 20)",
    )
    parser.add_argument(
        "--seconds",
        type=number,
        default=2.0,
        metavar="S",
        help="and repeat for at least this many seconds (default: 2)",
    )


def add_peers(parser):
    """Add the options of a comparison with other solvers."""
    parser.add_argument(
        "--size",
        type=positive,
        nargs="+",
        default=(64, 128),
        metavar="N",
        help="voxels along each edge of a box (default: 64 128)",
    )
    parser.add_argument(
        "--r",
        type=number,
        nargs="+",
        default=(0.1, 0.01),
        metavar="R",
        help="D dt / h^2, of time step and voxel (default: 0.1 0.01)",
    )
    parser.add_argument(
        "--wavelength",
        type=number,
        default=8.0,
        metavar="VOXELS",
        help="length of the wave whose error is measured (default: 8)",
    )
    parser.add_argument(
        "--peers",
        nargs="+",
        default=NAMES,
        choices=NAMES,
        metavar="NAME",
        help=f"solvers beside ecsmpi (default: all, which are {', '.join(NAMES[1:])})",
    )
    parser.add_argument(
        "--python",
        nargs="+",
        default=(),
        metavar="PATH",
        help="further interpreters to look for solvers in, such as /usr/bin/python3 for Debian's",
    )
    parser.add_argument(
        "--repetitions",
        type=positive,
        default=5,
        metavar="N",
        help="repetitions in a run (default: 5)",
    )
    parser.add_argument(
        "--seconds",
        type=number,
        default=0.4,
        metavar="S",
        help="how long a repetition lasts, about (default: 0.4)",
    )
    parser.add_argument(
        "--limit",
        type=number,
        default=600.0,
        metavar="S",
        help="seconds after which a process is ended, which its row then says (default: 600)",
    )


def add_launcher(parser):
    """Add --mpirun."""
    parser.add_argument(
        "--mpirun",
        default=LAUNCHER,
        metavar="COMMAND",
        help='command that starts ranks, e.g. "srun --mpi=pmix" (default: mpirun)',
    )


def words_of(kind: str, args, threads: int | None) -> list[str]:
    """The command line of one launch that measures one of what ``args`` ask for."""
    named = {
        "--shape": args.shape,
        "--dt": [args.dt],
        "--dx": [args.dx],
        "--species": [args.species],
        "--segments": [args.segments],
        "--repetitions": [args.repetitions],
        "--seconds": [args.seconds],
    }
    if threads is not None:
        named["--threads"] = [threads]
    words = [kind]
    for name, values in named.items():
        words += [name, *map(str, values)]
    return words


# types of options


def number(text):
    """A positive number."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def count(text):
    """A whole number, also written as 1e6."""
    value = float(text)
    if not 0 <= value < float("inf") or value != int(value):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number")
    return int(value)


def positive(text):
    """A whole number above 0."""
    value = count(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return value


def repetitions(text):
    """A number of repetitions, enough for a confidence interval of their median."""
    value = positive(text)
    if value < FEWEST:
        raise argparse.ArgumentTypeError(
            f"a 95 % interval of a median needs {FEWEST} repetitions or more, got {text}"
        )
    return value


def numbers(text):
    """Positive whole numbers with commas between them."""
    return [positive(word) for word in text.split(",")]
