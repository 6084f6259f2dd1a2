"""`ecsmpi plan`: what a run on many nodes will cost, before it is submitted."""

import argparse
import math
import re
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from ecsmpi import __version__
from ecsmpi.benchmarks import records
from ecsmpi.benchmarks.plan import calibration, cross_validation, plan_table
from ecsmpi.benchmarks.plan.step_model import Machine, Workload, slabs_of
from ecsmpi.description.grid import Box, spacing_of
from ecsmpi.files.disk_errors import check_folder

POTASSIUM = 2.62 / 1.6**2  # um2/ms, in tissue of tortuosity 1.6
USUAL_DX = 5.0  # um, where only voxels are given
MARGIN = 1.25  # of time and memory to submit with, over what the model predicts
START_SECONDS = 300  # until the first step: imports, compilers, the model


def add_parser(subparsers):
    """Add `plan` to the command's subparsers."""
    parser = subparsers.add_parser(
        "plan",
        help="what a run on many nodes will cost",
        description="Memory of a rank, time of a step and of the run, where scaling ends, and the "
        "ranks x threads to take, from a model of the step. With --bench, the model is fitted to "
        "this machine's own records (ecsmpi bench strong --json FILE), and checked: fitted to all "
        "rank counts but one, compared with that one.",
        epilog="example: ecsmpi plan --box 512 512 512 --species 2 --nodes 1-16 "
        "--cores-per-node 64",
    )
    _add_problem(parser)
    _add_machine(parser)
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="append the model's steps to this file of records, for ecsmpi bench plot to draw: "
        "for the layouts in --bench and in the table",
    )
    parser.set_defaults(func=plan)


def _add_problem(parser):
    add = parser.add_argument_group("the run").add_argument
    add(
        "--box",
        type=float,
        nargs="+",
        required=True,
        metavar="N",
        help="NX NY NZ voxels, or, with --dx, the corners XLO YLO ZLO XHI YHI ZHI in um",
    )
    add(
        "--dx",
        type=float,
        nargs="+",
        metavar="UM",
        help=f"edge of a voxel, one number or three (default with NX NY NZ: {USUAL_DX:g})",
    )
    add("--species", type=_count, default=1, metavar="N", help="species (default: 1)")
    add(
        "--segments",
        type=_count_or_none,
        default=0,
        metavar="M",
        help="segments of all cells together (default: 0)",
    )
    add(
        "--cells-within",
        type=_part,
        default=1.0,
        metavar="PART",
        help="the part of the box along x that holds the segments: slabs are thinner there "
        "(default: 1, all of it)",
    )
    add(
        "--no-frames",
        action="store_true",
        help="the run writes no whole frames: they take 8 bytes a voxel and species "
        "(slices and means hardly any)",
    )
    add(
        "--tstop",
        type=_positive,
        default=1000.0,
        metavar="MS",
        help="length of the run (default: 1000)",
    )
    add("--dt", type=_positive, default=0.025, metavar="MS", help="time step (default: 0.025)")
    add(
        "--d",
        type=_positive,
        default=POTASSIUM,
        metavar="UM2/MS",
        help="d over tortuosity squared, of the fastest species "
        f"(default: potassium's, {POTASSIUM:.3g})",
    )


def _add_machine(parser):
    add = parser.add_argument_group("the machine").add_argument
    add(
        "--nodes",
        type=_nodes,
        required=True,
        metavar="A-B",
        help="numbers of nodes: A, B and the powers of two between",
    )
    add(
        "--cores-per-node",
        type=_count,
        metavar="C",
        help="cores of a node (default: of --bench, else a guess)",
    )
    add(
        "--numa-domains",
        type=_count,
        metavar="D",
        help="NUMA domains of a node, of which each rank stays in one "
        "(default: of --bench, else a guess)",
    )
    add(
        "--memory-per-node",
        type=_positive,
        metavar="GB",
        help="memory of a node (default: of --bench)",
    )
    add(
        "--bench",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="records of ecsmpi bench kernel, strong or weak",
    )
    add("--network-bandwidth", type=_positive, metavar="GB/S", help="of a node (default: a guess)")
    add(
        "--network-latency",
        type=_positive,
        metavar="US",
        help="of a message between nodes (default: a guess)",
    )
    add(
        "--neuron-ns",
        type=_positive,
        metavar="NS",
        help="NEURON's own time for a segment and step on one core, which its mechanisms decide "
        "(default: of --bench, else a guess)",
    )


def plan(args):
    """Print the machine, the table and the recommendation.

    Returns status 1 where no number of nodes has enough memory, else 0.
    """
    work = _workload(args)
    if args.model is not None:
        check_folder(args.model)
    sources = _machine(args)
    machine = sources.machine
    planes = work.shape[0]
    counts = [nodes for nodes in args.nodes if nodes <= planes] or args.nodes[:1]
    rows = [plan_table.best_row(work, nodes, machine, not args.no_frames) for nodes in counts]
    steps = math.ceil(args.tstop / args.dt * (1 - 1e-12))  # 0.07 / 0.01 is a bit more than 7
    _print_lines([_title(work, steps, args.dt), "", *plan_table.describe(sources), ""])
    _print_lines([*plan_table.table(rows, steps), "", *plan_table.too_large(rows, machine)])
    fitting = [row for row in rows if row.fits(machine)]
    if fitting:
        best = plan_table.recommended(fitting)
        _print_lines(plan_table.advice(fitting, steps))
        print(_partition(work, best.layout.ranks))
    else:
        print("Take more nodes, or larger ones: the more nodes, the less memory each needs.")
    if args.nodes[-1] * machine.cores > planes:
        _print_lines(plan_table.beyond_planes(work, machine, not args.no_frames))
    if fitting:
        print(f"\n{_submission(best, steps)}")
    if args.model is not None:
        _write_model(args, work, rows, sources)
    return 0 if fitting else 1


def _print_lines(lines):
    print("\n".join(lines))


def _title(work, steps, dt):
    shape = " x ".join(str(count) for count in work.shape)
    what = f"{shape} voxels, {work.species} species, {work.segments:,} segments"
    return f"{what}; {steps:,} steps of {dt:g} ms; r = D dt/dx2 = {work.r:.3g}"


def _partition(work, ranks):
    slabs = slabs_of(work, ranks)
    uneven = ", thinner where the segments are" if slabs.ends else ""
    return f"The box is cut into {slabs}{uneven}."


def _submission(row, steps):
    """The line to submit, with room in time and memory for what the model does not know."""
    layout = row.layout
    options = (
        f"--nodes={layout.nodes} --ntasks-per-node={layout.ranks_per_node} "
        f"--cpus-per-task={layout.threads}"
    )
    time = _clock(START_SECONDS + MARGIN * row.seconds * steps)
    gigabytes = math.ceil(MARGIN * row.bytes_per_node / 1e9)
    return f"sbatch {options} --time={time} --mem={gigabytes}G slurm/hybrid.sbatch SCRIPT"


def _clock(seconds):
    """Seconds, rounded up to minutes, as D-HH:MM:SS or HH:MM:SS."""
    minutes = math.ceil(seconds / 60)
    days, rest = divmod(minutes, 24 * 60)
    clock = f"{rest // 60:02d}:{rest % 60:02d}:00"
    return f"{days}-{clock}" if days else clock


def _workload(args):
    dx = args.dx
    if dx is not None and len(dx) == 1:
        dx = dx[0]
    if len(args.box) == 6:
        if dx is None:
            raise ValueError("--box with two corners in um needs --dx, the edge of a voxel in um")
        shape = Box.spanning(args.box[:3], args.box[3:], dx).shape
    elif len(args.box) == 3:
        if any(not count.is_integer() or count < 1 for count in args.box):
            got = " ".join(f"{count:g}" for count in args.box)
            raise ValueError(f"--box NX NY NZ must be whole numbers of voxels, got {got}")
        shape = tuple(map(int, args.box))
        dx = USUAL_DX if dx is None else dx
    else:
        raise ValueError(
            f"--box takes three numbers (voxels) or six (corners in um), got {len(args.box)}"
        )
    spacing = spacing_of(dx)
    r = args.d * args.dt / spacing[0] ** 2 if shape[0] > 1 else 0.0
    return Workload(shape, args.species, args.segments, r, args.cells_within)


def _machine(args):
    """The machine of the options and of the records in --bench, and where its numbers are from."""
    units = {
        "network_bandwidth": 1e9,
        "network_latency": 1e-6,
        "neuron_ns": 1e-9,
        "cores_per_node": 1,
        "numa_domains": 1,
        "memory_per_node": 1e9,
    }
    given = {}
    for name, unit in units.items():
        value = getattr(args, name)
        if value is not None:
            given[name] = value * unit
    machine = Machine()
    for name in ("network_bandwidth", "network_latency"):
        if name in given:
            machine = replace(machine, **{name: given[name]})
    found = []
    for path in args.bench:
        found += calibration.read_measurements(path)
    measurements = [one for one in found if not one.is_crowded]
    if args.bench and not measurements:
        files = ", ".join(map(str, args.bench))
        kinds = ", ".join(calibration.KINDS)
        raise ValueError(
            f"no records of ecsmpi bench {kinds} with a core for each thread in {files}"
        )
    checked = cross_validation.leave_out(measurements, machine)
    if measurements:
        machine = calibration.calibrated(measurements, machine)
    machine = _with_given(machine, given)
    crowded = len(found) - len(measurements)
    return plan_table.Sources(machine, measurements, crowded, checked, set(given))


def _with_given(machine, given):
    """The machine with the numbers of the options in place of those that were measured."""
    if "cores_per_node" in given:
        cores = given["cores_per_node"]
        machine = replace(machine, cores=cores, domains=calibration.guessed_domains(cores))
    if "numa_domains" in given:
        machine = replace(machine, domains=given["numa_domains"])
    if machine.cores % machine.domains:
        raise ValueError(
            f"--numa-domains must divide the {machine.cores} cores of a node, got {machine.domains}"
        )
    if "memory_per_node" in given:
        machine = replace(machine, memory=given["memory_per_node"])
    if "neuron_ns" in given:
        machine = replace(machine, neuron_segment=given["neuron_ns"])
    return machine


def _write_model(args, work, rows, sources):
    """Append the model's steps to --model: for the measured layouts, then for the table's."""
    steps = [(one.work, one.layout, one.dt) for one in sources.measurements]
    steps += [(work, row.layout, args.dt) for row in rows]
    steps = list(dict.fromkeys(steps))  # each once, in this order
    provenance = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "ecsmpi": __version__,
        "cores": sources.machine.cores,
        "fitted_to_records": len(sources.measurements),
    }
    for step_work, layout, dt in steps:
        record = calibration.model_record(step_work, layout, dt, sources.machine)
        records.append(args.model, record | {"provenance": provenance})
    print(f"appended {len(steps)} steps of the model to {args.model}")


# types of options


def _positive(text):
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text}")
    return value


def _part(text):
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, got {text}")
    return value


def _count(text, least=1):
    count = float(text)
    if not count.is_integer() or count < least:
        raise argparse.ArgumentTypeError(f"must be a whole number from {least}, got {text}")
    return int(count)


def _count_or_none(text):
    return _count(text, least=0)


def _nodes(text):
    """ "1-256" or "8": the ends and the powers of two between them."""
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    lo, hi = 0, 0
    if found:
        lo = int(found[1])
        hi = int(found[2] or lo)
    if not 1 <= lo <= hi:
        raise argparse.ArgumentTypeError(
            f"must be a number of nodes or a range such as 1-256, got {text}"
        )
    powers = [1 << k for k in range(hi.bit_length())]
    return sorted({lo, hi, *(power for power in powers if lo <= power <= hi)})
