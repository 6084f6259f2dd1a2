"""The options that several measurements share, and what they are checked for."""

from __future__ import annotations

import argparse

from ecsmpi.benchmarks.repetition import FEWEST

LAUNCHER = "mpirun"
JSON_HELP = "append what was measured to this file, a JSON line each, with versions and processor"


def add_shape(parser, default, what="voxels of the box"):
    """--shape NX NY NZ."""
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
    """--dt, --dx, --species."""
    parser.add_argument(
        "--dt", type=number, default=0.025, metavar="MS", help="time step (default: 0.025)"
    )
    parser.add_argument(
        "--dx", type=number, default=5.0, metavar="UM", help="edge of a voxel (default: 5)"
    )
    add_species(parser)


def add_species(parser):
    """--species."""
    parser.add_argument(
        "--species", type=positive, default=1, metavar="S", help="species in the box (default: 1)"
    )


def add_segments(parser, of):
    """--segments."""
    parser.add_argument(
        "--segments",
        type=count,
        default=0,
        metavar="M",
        help=f"segments of cells {of} (default: 0)",
    )


def add_scaling(parser):
    """What a list of launches needs beside the problem."""
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
    """--threads of one launch."""
    parser.add_argument(
        "--threads",
        type=positive,
        metavar="T",
        help="threads of each rank (default: the rank's cores)",
    )


def add_effort(parser):
    """--repetitions, --seconds."""
    parser.add_argument(
        "--repetitions",
        type=repetitions,
        default=20,
        metavar="N",
        help=f"at least so many repetitions, {FEWEST} or more (default: 20)",
    )
    parser.add_argument(
        "--seconds",
        type=number,
        default=2.0,
        metavar="S",
        help="and at least so many seconds of them (default: 2)",
    )


def add_launcher(parser):
    """--mpirun."""
    parser.add_argument(
        "--mpirun",
        default=LAUNCHER,
        metavar="COMMAND",
        help='what starts ranks, with its options, e.g. "srun --mpi=pmix" (default: mpirun)',
    )


def words_of(kind: str, args, threads: int | None) -> list[str]:
    """The words that ask one launch for one of the measurements that ``args`` asks for."""
    named = {
        "--shape": args.shape,
        "--dt": [args.dt],
        "--dx": [args.dx],
        "--species": [args.species],
        "--segments": [args.segments],
        "--repetitions": [args.repetitions],
        "--seconds": [args.seconds],
        "--threads": [] if threads is None else [threads],
    }
    return [
        kind,
        *(str(word) for name, values in named.items() if values for word in (name, *values)),
    ]


# types


def number(text):
    """A positive number."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def count(text):
    """A whole number, also as 1e6."""
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
    """Enough of them for an interval of their median."""
    value = positive(text)
    if value < FEWEST:
        raise argparse.ArgumentTypeError(
            f"a 95 % interval of a median needs {FEWEST} repetitions or more, got {text}"
        )
    return value


def numbers(text):
    """Positive whole numbers with commas between."""
    return [positive(word) for word in text.split(",")]
