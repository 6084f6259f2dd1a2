"""Records as tables of text."""

from __future__ import annotations

from math import prod

from ecsmpi.benchmarks.problem import BYTES_A_VOXEL, BYTES_OF_PHASES, Problem
from ecsmpi.benchmarks.reports.scaling import base_of, cores, throughput
from ecsmpi.solver.timing import OF_REST, PHASES, REST

MET = {True: "met", False: "missed", None: ""}


def table(header: list[str], rows: list[list[str]]) -> str:
    """Lines of aligned columns: the first and the last to the left, the others to the right."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: list[str], widths: list[int]) -> str:
    padded = [cells[0].ljust(widths[0])]
    for cell, width in zip(cells[1:-1], widths[1:-1]):
        padded.append(cell.rjust(width))
    return "  ".join([*padded, cells[-1]]).rstrip()


def milliseconds(record: dict) -> list[str]:
    """Median of a step and its confidence interval, ms."""
    lo, hi = record["step_seconds_interval"]
    return [f"{1e3 * record['step_seconds']:.4g}", f"{1e3 * lo:.4g} to {1e3 * hi:.4g}"]


def nanoseconds_a_voxel(seconds: float, record: dict) -> float:
    """Nanoseconds for each voxel of the box, whichever rank owns it."""
    return 1e9 * seconds / prod(record["shape"])


def phases(record: dict) -> str:
    """A line for each phase: mean and maximum over ranks, in us a step and ns a voxel."""
    meaning = PHASES | {REST: OF_REST}
    rows = []
    for name, seconds in record["phases"].items():
        largest = record["phases_max"][name]
        a_voxel = nanoseconds_a_voxel(seconds, record)
        rows.append(
            [
                name,
                f"{1e6 * seconds:.1f}",
                f"{1e6 * largest:.1f}",
                f"{a_voxel:.3f}",
                meaning.get(name, ""),
            ]
        )
    return table(["phase", "us a step", "max", "ns a voxel", "mean and maximum over ranks"], rows)


def box_report(record: dict) -> str:
    """The report of one launch: the step, the least it could take, its phases, and the set-up."""
    bandwidth, step = record["copy_bytes_per_second"], record["step_seconds"]
    floor = _problem(record).traffic / bandwidth
    lo, hi = (nanoseconds_a_voxel(end, record) for end in record["step_seconds_interval"])
    rows = [
        [
            "step",
            f"{nanoseconds_a_voxel(step, record):.3f} ns a voxel",
            f"{1e3 * step:.4g} ms, median of {record['repetitions']} repetitions",
        ],
        ["", f"{lo:.3f} to {hi:.3f}", "95 % interval of the median"],
        [
            "traffic floor",
            f"{nanoseconds_a_voxel(floor, record):.3f} ns a voxel",
            f"{BYTES_A_VOXEL} bytes a voxel and species at {bandwidth / 1e9:.1f} GB/s",
        ],
        [
            "floor over step",
            f"{floor / step:.2f}",
            "that bandwidth is a plain copy's, by all ranks and threads at once",
        ],
    ]
    if record.get("varies"):
        rows += _phase_rows(record)
    if "reproducible" in record:
        rows.append(_reproducible_row(record))
    laps = [f"{name} {seconds:.2f} s" for name, seconds in record["setup_seconds"].items()]
    lines = [
        heading(record),
        table(rows[0], rows[1:]),
        "",
        phases(record),
        "",
        f"apart from the steps: {', '.join(laps)}",
    ]
    return "\n".join(lines)


def _phase_rows(record: dict) -> list[list[str]]:
    """What the phases of a step move through memory where tissue varies, and the least time."""
    rows = []
    for name, traffic in BYTES_OF_PHASES.items():
        least = 1e9 * traffic * record["species"] / record["copy_bytes_per_second"]
        taken = nanoseconds_a_voxel(record["phases"][name], record)
        rows.append(
            [
                f"traffic of {name}",
                f"{least:.3f} ns a voxel",
                f"{traffic} bytes a voxel and species; the phase takes {taken:.3f} ns",
            ]
        )
    return rows


def _reproducible_row(record: dict) -> list[str]:
    found = record["reproducible"]
    lo, hi = (nanoseconds_a_voxel(end, record) for end in found["step_seconds_interval"])
    ratio = found["step_seconds"] / record["step_seconds"]
    return [
        "reproducible step",
        f"{nanoseconds_a_voxel(found['step_seconds'], record):.3f} ns a voxel",
        f"{ratio:.2f} times the step above ({lo:.3f} to {hi:.3f} ns)",
    ]


def heading(record: dict) -> str:
    """What was measured, on what, and a warning where threads shared cores."""
    used = cores(record)
    available = record["provenance"]["node_cores"] * record["nodes"]
    lines = [f"{_problem(record)}; {ranks_x_threads(record)}, {record['provenance']['cpu']}"]
    if used > available:
        lines.append(f"caution: {used} threads share {available} cores, so these times say little")
    return "\n".join(lines)


def ranks_x_threads(record: dict) -> str:
    """Ranks and threads of a record, such as "2 ranks x 1 thread"."""
    ranks, threads = record["ranks"], record["threads"]
    return f"{ranks} rank{'s' * (ranks > 1)} x {threads} thread{'s' * (threads > 1)}"


def _problem(record: dict) -> Problem:
    return Problem(
        tuple(record["shape"]),
        record["species"],
        record["segments"],
        record["dt"],
        record["dx"],
        record.get("varies", False),
    )


def progress(record: dict) -> str:
    """The line for a launch that has ended."""
    middle, interval = milliseconds(record)
    return f"{ranks_x_threads(record)}: {middle} ms a step ({interval})"


def scaling_report(records: list[dict]) -> str:
    """A line for each launch, against the launch on the fewest cores."""
    base = base_of(records)
    rows = []
    for record in records:
        speed_up = throughput(record) / throughput(base)
        efficiency = speed_up * cores(base) / cores(record)
        neuron = 1e3 * record["phases"]["neuron"]
        rows.append(
            [
                str(record["ranks"]),
                str(record["threads"]),
                *milliseconds(record),
                f"{neuron:.4g}",
                f"{nanoseconds_a_voxel(record['step_seconds'], record):.3f}",
                f"{speed_up:.2f}",
                f"{efficiency:.0%}",
            ]
        )
    header = [
        "ranks",
        "threads",
        "ms a step",
        "95 % interval",
        "of it NEURON",
        "ns a voxel",
        "speed-up",
        "efficiency",
    ]
    absolute = f"{ranks_x_threads(base)}: {milliseconds(base)[0]} ms a step"
    meaning = f"speed-up is voxels a second over those of {absolute}"
    return "\n".join(["", heading(records[-1]), table(header, rows), meaning])


def exchange_report(record: dict) -> str:
    """A line for one number of segments in one layout."""
    lo, hi = (1e6 * seconds for seconds in record["step_seconds_interval"])
    return (
        f"{record['segments']:>9,} segments, {record['layout']:<9}: "
        f"plan {1e3 * record['plan_seconds']:.3g} ms, "
        f"step {1e6 * record['step_seconds']:.4g} us ({lo:.4g} to {hi:.4g}), "
        f"{record['step_seconds'] / record['grid_step_seconds']:.1%} of the grid's, "
        f"whole steps {record['whole_step_ratio'] - 1:+.1%}, "
        f"{record['partners']} messages, {ranks_x_threads(record)}"
    )


def gate_report(record: dict) -> str:
    """How much longer steps take with the read gate."""
    lo, hi = record["ratio_interval"]
    return (
        f"{heading(record)}: a step takes {1e3 * record['step_seconds']:.4g} ms without the gate, "
        f"and with it {record['ratio']:.3f} times as long "
        f"(median of {record['repetitions']} pairs; 95 % interval {lo:.3f} to {hi:.3f})"
    )


def memory_report(record: dict) -> str:
    """Bytes a voxel, at the end and at the peak."""
    nx, ny, nz = record["shape"]
    frames = ", whole frames written" if record.get("frames") else ""
    return (
        f"{nx} x {ny} x {nz} voxels, 1 species, {record['ranks']} ranks{frames}: "
        f"{record['bytes_a_voxel']:.1f} bytes a voxel, "
        f"{record['bytes_a_voxel_peak']:.1f} at its peak"
    )


def comparison_report(record: dict) -> str:
    """The table of NEURON and ecsmpi, with goals and aims."""
    made = record["provenance"]
    head = (
        f"NEURON {made['neuron']} and ecsmpi {made['ecsmpi']} on {made['cpu']}, "
        f"medians of {record['rounds']} round{'s' * (record['rounds'] > 1)}"
    )
    rows = [_comparison_row(row) for row in record["rows"]]
    header = ["", "unit", "NEURON", "ecsmpi", "result", "at least", "aim", ""]
    left_out = [f"left out, {reason}" for reason in record["left_out"]]
    return "\n".join(["", head, table(header, rows), *left_out])


def _comparison_row(row: dict) -> list[str]:
    sign = "" if row["at_least"] else "<= "
    aim = "" if row["aim"] is None else f"{sign}{row['aim']:g}"
    neuron = "" if row["neuron"] is None else f"{row['neuron']:.4g}"
    goal = "" if row["goal"] is None else f"{sign}{row['goal']:g}"
    return [
        row["what"],
        row["unit"],
        neuron,
        f"{row['ecsmpi']:.4g}",
        f"{row['value']:.3g}",
        goal,
        aim,
        MET[row["met"]],
    ]
