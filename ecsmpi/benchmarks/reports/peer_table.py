"""Tables of `ecsmpi bench peers`."""

from __future__ import annotations

from ecsmpi.benchmarks.reports.tables import table

SEVERAL = 1.1  # processors that steps keep busy, from which on they have more than one thread
HEADER = [
    "",
    "ns a voxel",
    "range",
    "x ecsmpi",
    "error of a step",
    "order",
    "MB",
    "scheme",
]


def peers_report(record: dict) -> str:
    """The table of one box and r."""
    edge = record["shape"][0]
    made = record["provenance"]
    rounds = record["rounds"]
    head = (
        f"{edge}^3 voxels, r = {record['r']:g}, one thread, processor time, "
        f"medians and ranges of {rounds} round{'s' * (rounds > 1)}, {made['cpu']}"
    )
    rows = [_cells(row) for row in record["rows"]]
    return "\n".join(["", head, table(HEADER, rows), *_below(record)])


def _cells(row: dict) -> list[str]:
    return [
        f"{row['name']} {row['version'].partition('+')[0]}".strip(),
        _number(row["nanoseconds"], ".3g"),
        _range(row["nanoseconds_range"]),
        _number(row["times_ours"], ".2f"),
        _number(row["step_error"], ".1e"),
        _order(row),
        _megabytes(row["bytes"]),
        "; ".join(filter(None, [row["method"], _trouble(row)])),
    ]


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _range(ends: list[float] | None) -> str:
    return "" if ends is None else f"{ends[0]:.3g} to {ends[1]:.3g}"


def _megabytes(size: float | None) -> str:
    return "" if size is None else f"{size / 1e6:.0f}"


def _order(row: dict) -> str:
    """The order as it was observed, where that was possible."""
    if row["end_errors"] is None:
        return ""
    if row["order"] is not None:
        return f"{row['order']:.2f}"
    return "exact" if row["order_of_scheme"] is None else "round-off"


def _trouble(row: dict) -> str:
    """What is to be known before the row is believed."""
    told = [row["note"]]
    if row["right"] is False:
        told.append(f"WRONG: its step is {row['from_scheme']:.1e} from that of its scheme")
    processors = row["processors"]
    if processors is not None and processors > SEVERAL:
        told.append(f"kept {processors:.1f} processors busy")
    return "; ".join(filter(None, told))


def _below(record: dict) -> list[str]:
    """What the columns mean."""
    spaces = [row["space_error"] for row in record["rows"] if row["space_error"] is not None]
    lines = [
        f"error of a step: of a wave of {record['wavelength']:g} voxels and amplitude 1, against "
        "its exact decay in time"
    ]
    if spaces:
        lines.append(f"the differences in space add {spaces[0]:.1e} to it, with each of them")
    return lines
