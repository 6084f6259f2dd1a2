"""`ecsmpi cells FILE`: write the morphologies of a file of frames to a file that ParaView opens."""

from pathlib import Path

from ecsmpi.cli.child_process import read_in_child
from ecsmpi.cli.paths import default_path
from ecsmpi.files.disk_errors import check_folder


def add_parser(subparsers):
    """Add `cells` to the command's subparsers."""
    parser = subparsers.add_parser(
        "cells",
        help="write the cells' morphologies of a file to a file of their own",
        description="Write the morphologies of a file of frames to a VTKHDF file of their own, "
        "which ParaView and PyVista open beside the concentrations: lines with a diameter (um) "
        "at each point and the gid of each section's cell.",
        epilog="example: ecsmpi cells ca1.h5 --output cells.vtkhdf",
    )
    parser.add_argument("file", type=Path, help="file of frames that a simulation wrote")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE.vtkhdf",
        help="default: beside FILE, such as ca1_cells.vtkhdf",
    )
    parser.set_defaults(func=write)


def write(args):
    """Write the file and say where it is."""
    path = args.output or default_path(args.file, "cells", ".vtkhdf")
    check_folder(path)
    if path.exists() and args.file.exists() and path.samefile(args.file):
        raise ValueError(f"--output {path} is the file that is read: give another name")
    print(read_in_child(lambda file: _write(file, path), args.file))


def _write(file, path):
    from ecsmpi.files.cells_group import write_vtk
    from ecsmpi.files.recording import load

    cells = load(file).cells
    if cells is None:
        raise ValueError(
            f"{file} has no cells: write it with rxd.Output(..., cells=True), without --no-cells"
        )
    write_vtk(path, cells)
    return f"wrote {path}"
