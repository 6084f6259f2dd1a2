"""`ecsmpi bench`: measure what a run costs on this machine."""

from pathlib import Path

from ecsmpi.benchmarks import commands, options
from ecsmpi.files.disk_errors import check_folder

LAUNCHED = "Start it under mpirun, or srun, to measure more ranks."


def add_parser(subparsers):
    """Add `bench` and its kinds of measurements to the command's subparsers."""
    parser = subparsers.add_parser(
        "bench",
        help="measure this machine, and draw what was measured",
        description="Measure what a run costs here. Times are medians of repetitions, each as long "
        "as its slowest rank, with the 95 % interval of the median; set-up and compilation are "
        "apart.",
        epilog="example: ecsmpi bench kernel --shape 128 128 128",
    )
    kinds = parser.add_subparsers(metavar="KIND", required=True)
    _add_kernel(kinds)
    _add_neuron(kinds)
    _add_model(kinds)
    _add_strong(kinds)
    _add_weak(kinds)
    _add_exchange(kinds)
    _add_gate(kinds)
    _add_memory(kinds)
    _add_start(kinds)
    _add_rank(kinds)
    _add_peers(kinds)
    _add_plot(kinds)


def _add_kernel(kinds):
    parser = _add_kind(
        kinds,
        "kernel",
        "ns a voxel and step, by phase, and how near to the memory's bandwidth",
        "Advance a box; compare with the least time in which its traffic, 16 bytes a voxel and "
        "step, goes through memory at the bandwidth of a plain copy, which is measured in the same "
        "run. " + LAUNCHED,
        commands.measure_kernel,
        "mpirun -n 2 ecsmpi bench kernel --shape 128 128 128",
    )
    options.add_shape(parser, (256, 256, 256))
    options.add_problem(parser)
    options.add_segments(parser, "in the box")
    options.add_threads(parser)
    parser.add_argument(
        "--varying",
        action="store_true",
        help="let volume fraction and tortuosity differ from voxel to voxel, and print what each "
        "phase moves through memory",
    )
    parser.add_argument(
        "--reproducible",
        action="store_true",
        help="measure it again with rxd.options.reproducible, and print what the same bits on any "
        "ranks cost",
    )
    options.add_effort(parser)


def _add_strong(kinds):
    parser = _add_kind(
        kinds,
        "strong",
        "one problem on more and more ranks and threads",
        "Measure a box with cells. Alone or under mpirun it measures its own ranks; with --ranks "
        "it starts them itself, one launch after the other, and prints speed-up and efficiency "
        "against the fewest cores.",
        commands.measure_strong,
        "ecsmpi bench strong --ranks 1,2,4 --segments 1e4 --json scaling.jsonl",
    )
    options.add_shape(parser, (256, 256, 256))
    options.add_segments(parser, "in the box")
    options.add_problem(parser)
    options.add_scaling(parser)


def _add_weak(kinds):
    parser = _add_kind(
        kinds,
        "weak",
        "a problem that grows with the ranks",
        "Measure a box with cells that is longer along x the more ranks there are. Alone or under "
        "mpirun it measures its own ranks; with --ranks it starts them itself, and prints "
        "efficiency against the fewest cores.",
        commands.measure_weak,
        "ecsmpi bench weak --ranks 1,2,4 --json scaling.jsonl",
    )
    options.add_shape(parser, (64, 256, 256), "voxels of each rank")
    options.add_segments(parser, "for each rank")
    options.add_problem(parser)
    options.add_scaling(parser)


def _add_neuron(kinds):
    parser = _add_kind(
        kinds,
        "neuron",
        "the same scripts with NEURON and with ecsmpi",
        "Run one model script with `from neuron import rxd` and with `from ecsmpi import rxd`, in "
        "processes of their own, in turn, and print a row for each target. Takes about 15 minutes "
        "and 3 GB, most of it NEURON's initialisation; with --quick a minute or two. Needs 2 cores "
        "for the rows of 2 threads and 2 ranks, and a checkout with steady_k compiled "
        "(scripts/setup) for the tutorial's. Status 1 where a target is missed.",
        commands.compare_with_neuron,
        "ecsmpi bench neuron --quick",
    )
    parser.add_argument(
        "--quick", action="store_true", help="smaller boxes: 128^3 for 256^3, 64^3 for 200^3"
    )
    parser.add_argument(
        "--edge",
        type=options.positive,
        metavar="N",
        help="voxels along each edge of the box that is stepped (default: 256)",
    )
    parser.add_argument(
        "--initial-edge",
        type=options.positive,
        metavar="N",
        help="voxels along each edge of the box that is only initialised (default: 200)",
    )
    _add_rounds(parser, "runs of each process, in turn", 3)
    parser.add_argument(
        "--repetitions",
        type=options.positive,
        default=10,
        help="steps timed in a run (default: 10)",
    )
    parser.add_argument(
        "--morphology",
        type=Path,
        metavar="FILE.swc",
        help="the tutorial's cell (default: the pyramid that comes with NEURON)",
    )
    options.add_launcher(parser)


def _add_model(kinds):
    parser = _add_kind(
        kinds,
        "model",
        "a slice of brain with its cells, with NEURON and with ecsmpi",
        "Step the slice of scripts/models at voxels of 25 and of 10 um, with `from neuron import "
        "rxd` and with `from ecsmpi import rxd`, in processes of their own, in turn: seconds for a "
        "simulated second, split into cells (with what couples them to their voxels), reactions in "
        "the voxels, and the grid; and memory of all ranks. Takes some minutes, most of them "
        "NEURON's initialisation. Needs a checkout. Status 1 where a target is missed.",
        commands.compare_model,
        "ecsmpi bench model --ranks 1,2",
    )
    parser.add_argument(
        "--size",
        default="small",
        help="size of the slice, as its script names it (default: small, 500 x 500 um)",
    )
    parser.add_argument(
        "--thickness",
        type=options.number,
        default=200,
        metavar="UM",
        help="thickness of the slice (default: 200)",
    )
    parser.add_argument(
        "--density",
        type=options.number,
        default=30_000,
        metavar="N",
        help="neurons in a cubic millimetre (default: 30000)",
    )
    parser.add_argument(
        "--ranks",
        type=options.numbers,
        default=[1, 2],
        metavar="P,P,...",
        help="processes (default: 1,2)",
    )
    _add_rounds(parser, "runs of each process, in turn", 1)
    parser.add_argument(
        "--repetitions",
        type=options.positive,
        default=60,
        help="steps timed in a run (default: 60)",
    )
    options.add_launcher(parser)


def _add_exchange(kinds):
    parser = _add_kind(
        kinds,
        "exchange",
        "segments' currents to the owners of their voxels, and back",
        "Plan and repeat the exchange alone, then whole steps with and without it in turn, all "
        "without NEURON's part; with segments along neurites, spread over the box in no order, and "
        "all in one voxel. " + LAUNCHED,
        commands.measure_exchange,
        "ecsmpi bench exchange --shape 256 256 256 --segments 1e6",
    )
    options.add_shape(parser, (128, 128, 128))
    parser.add_argument(
        "--segments",
        type=options.count,
        nargs="+",
        default=(1_000, 10_000, 100_000, 1_000_000),
        metavar="M",
        help="numbers of segments, e.g. 1e3 1e4 (default: 1e3 1e4 1e5 1e6)",
    )
    options.add_species(parser)
    options.add_effort(parser)


def _add_gate(kinds):
    parser = _add_kind(
        kinds,
        "gate",
        "what it costs that any rank may read concentrations at any time",
        "Step a box that is as large for each rank, with the gate before each change of the "
        "concentrations and without it, in turn. " + LAUNCHED,
        commands.measure_gate,
        "mpirun -n 2 ecsmpi bench gate",
    )
    options.add_shape(parser, (64, 64, 64), "voxels of each rank")
    options.add_segments(parser, "for each rank")
    options.add_problem(parser)
    options.add_threads(parser)
    options.add_effort(parser)


def _add_memory(kinds):
    parser = _add_kind(
        kinds,
        "memory",
        "bytes a voxel, over all ranks together",
        "Resident memory of all ranks together for one species, above that of the same program "
        "with a box of a few voxels: at the end of some steps, and at its peak. " + LAUNCHED,
        commands.measure_memory,
        "mpirun -n 2 ecsmpi bench memory",
    )
    options.add_shape(parser, (256, 256, 256))
    parser.add_argument(
        "--steps", type=options.positive, default=3, help="steps to advance (default: 3)"
    )
    parser.add_argument(
        "--frames",
        action="store_true",
        help="write a whole frame after each step, to a file that is removed",
    )


def _add_start(kinds):
    parser = kinds.add_parser(
        "start",
        help="the first start of a script on a machine, and later ones",
        description="Start a script, or a small box with one cell, with an empty folder for "
        "compiled code, and again with what that start has left there. Prints the medians of some "
        "rounds.",
        epilog="example: ecsmpi bench start model.py",
    )
    parser.set_defaults(func=commands.measure_start, fail=parser.error)
    parser.add_argument(
        "script", nargs="*", metavar="SCRIPT", help="a script and its own arguments"
    )
    _add_rounds(parser, "rounds to take the medians of", 3)


def _add_rank(kinds):
    parser = _add_kind(
        kinds,
        "rank",
        "memory and start of a rank, above NEURON's own",
        "Run one script with `from neuron import rxd` and with `from ecsmpi import rxd`, on ranks, "
        "in turn: a small box with a reaction and, in a checkout, the slice of scripts/models. "
        "Memory is each rank's at the end (PSS: pages that processes share are divided among "
        "them); a start is the import and n.finitialize, first with an empty folder for compiled "
        "code. Linux only. Status 1 where a target is missed.",
        commands.compare_ranks,
        "ecsmpi bench rank --ranks 2",
    )
    parser.add_argument(
        "--size", default="mini", help="size of the slice, as its script names it (default: mini)"
    )
    parser.add_argument(
        "--ranks", type=options.positive, default=2, metavar="P", help="ranks (default: 2)"
    )
    parser.add_argument(
        "--threads",
        type=options.positive,
        default=1,
        metavar="T",
        help="threads of each rank of ecsmpi (default: 1)",
    )
    _add_rounds(parser, "runs of each process, in turn", 3)
    options.add_launcher(parser)


def _add_peers(kinds):
    parser = _add_kind(
        kinds,
        "peers",
        "a step beside those of other solvers, with its error",
        "Diffuse one species in a closed box of N^3 voxels with ecsmpi, NEURON, SciPy, PETSc, "
        "FiPy, py-pde and Devito, on one thread each, in processes of their own, in turn. Prints "
        "ns of the processor for a voxel and step, the error of one step of a cosine wave against "
        "its exact decay in time, the order in time that is observed as the time step is halved, "
        "and memory. A solver that is not installed has a row that says how to install it. Takes "
        "half an hour, most of it compilation and initialisation; with --size 64 --r 0.1 "
        "--rounds 1 about two. Status 1 where a step is not the one of the solver's scheme.",
        commands.compare_peers,
        "ecsmpi bench peers --python /usr/bin/python3",
    )
    options.add_peers(parser)
    _add_rounds(parser, "runs of each process, in turn", 3)


def _add_plot(kinds):
    parser = kinds.add_parser(
        "plot",
        help="draw speed-up, efficiency and phases",
        description="Draw the records of strong and weak scaling in some files: speed-up against "
        "the fewest cores, with the ideal, the bound that memory sets and the lines of `ecsmpi "
        "plan`; efficiency; and each phase's part of a step. Where a measurement was repeated the "
        "last one counts.",
        epilog="example: ecsmpi bench plot scaling.jsonl -o scaling.png",
    )
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="FILE.jsonl", help="records that --json wrote"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="PNG",
        help="picture to write, .png, .pdf or .svg",
    )
    parser.set_defaults(func=_plot)


def _plot(args):
    check_folder(args.output)
    commands.plot(args)


def _add_kind(kinds, name, summary, description, func, example):
    parser = kinds.add_parser(
        name, help=summary, description=description, epilog=f"example: {example}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help=options.JSON_HELP)
    parser.set_defaults(func=func, fail=parser.error)
    return parser


def _add_rounds(parser, what, default):
    parser.add_argument(
        "--rounds", type=options.positive, default=default, help=f"{what} (default: {default})"
    )
