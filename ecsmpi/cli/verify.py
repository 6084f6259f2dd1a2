"""`ecsmpi verify PATH`: check that files of a run are whole.

It knows checkpoints, and files of frames, of segments and of spikes.
"""

import re
from pathlib import Path

from ecsmpi.cli.child_process import read_in_child

SUFFIXES = (".h5", ".vtkhdf", ".hdf5", ".hdf")  # of files in a folder that are checked


def add_parser(subparsers):
    """Add `verify` to the command's subparsers."""
    parser = subparsers.add_parser(
        "verify",
        help="check that checkpoints and files that a run wrote are whole",
        description="Reads all of a file of frames, a report or spikes, of a checkpoint, or of "
        "each in a folder of checkpoints: its structure, its parts, its checksums where it has "
        "them, and whether every value is finite. Status 1 where something is wrong, or where "
        "there was too little memory to look.",
        epilog="example: ecsmpi verify saved k.h5",
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        type=Path,
        help="file of frames, checkpoint, or folder of these",
    )
    parser.set_defaults(func=verify)


def verify(args):
    """Print for each file what it is, or what is wrong with it.

    Returns status 1 where something is wrong, else 0.
    """
    from ecsmpi.files.summary import as_plain

    good = True
    for given in args.paths:
        for path in _files(given):
            try:
                said = read_in_child(_check, path)
            except MemoryError as error:
                good, said = False, f"NOT LOOKED AT: {error}"
            except (ValueError, OSError) as error:
                good, said = False, f"WRONG: {error}"
            print(as_plain(f"{path}: {said}"), flush=True)
    return 0 if good else 1


def _files(path):
    """The files and checkpoints that a path stands for; for a folder, those in it."""
    from ecsmpi.files.saved_checkpoint import CHECKPOINT_NAME, is_checkpoint

    if not path.exists():
        raise ValueError(f"there is nothing at {path}")
    if not path.is_dir() or is_checkpoint(path) or CHECKPOINT_NAME.fullmatch(path.name):
        return [path]
    found = []
    for one in sorted(path.iterdir()):
        if CHECKPOINT_NAME.fullmatch(one.name) or _may_be_frames(one.name):
            found.append(one)
    if not found:
        raise ValueError(f"{path} holds neither checkpoints nor files of frames")
    return found


def _may_be_frames(name):
    hidden_or_part = name.startswith(".") or re.search(r"\.rank\d{5}\.h5$", name)
    return name.endswith(SUFFIXES) and not hidden_or_part


def _check(path):
    return _check_checkpoint(path) if path.is_dir() else _check_file(path)


def _check_file(path):
    from ecsmpi.files.frame_source import opened
    from ecsmpi.files.sonata import of_cells

    with opened(path) as file:
        found = of_cells(file)
        if found is not None:
            return _check_spikes(found) if hasattr(found, "spikes") else _check_report(found)
    return _check_frames(path)


def _check_report(report):
    import numpy as np

    for index, t in enumerate(report.time):
        if not np.isfinite(report.frame(index)).all():
            raise ValueError(f"{report.variable} holds values that are not finite at t = {t:g} ms")
    return f"{len(report.time)} frames of {report.variable} of {report.columns} segments: whole"


def _check_spikes(train):
    import numpy as np

    before = -np.inf
    for times, _ in train.spikes():
        if times[0] < before or not np.all(np.diff(times) >= 0):
            raise ValueError("its spikes are not in the order of time")
        before = times[-1]
    return f"{len(train)} spikes: whole"


def _check_checkpoint(path):
    from ecsmpi.files.saved_checkpoint import SavedCheckpoint

    found = SavedCheckpoint(path)
    if found.ranks == 0:
        raise ValueError("it is a checkpoint of no ranks: nothing can go on from it")
    found.verify()
    found.verify_numbers()
    manifest = found.manifest
    _check_planes(found, manifest.planes, manifest.model["box"])
    return (
        f"checkpoint at t = {manifest.t:g} ms, step {manifest.step}, of {found.ranks} ranks: whole"
    )


def _check_planes(found, planes_of, boxes):
    """Raise ValueError unless the ranks' parts have each plane of each box once."""
    for number, planes in enumerate(planes_of):
        if len(planes) != found.ranks:
            raise ValueError(
                f"box {number} has planes of {len(planes)} ranks, the checkpoint has {found.ranks}"
            )
        _check_coverage(number, planes, str(boxes[number]))
        for rank, expected in enumerate(planes):
            _check_part(found.part(rank), number, *expected)


def _check_coverage(number, planes, box):
    covered = sorted((lo, hi) for lo, hi in planes if hi > lo)
    begins = [lo for lo, _ in covered]
    ends = [hi for _, hi in covered]
    shape = re.search(r"shape=\((\d+),", box)
    count = [0, *ends][-1]
    if shape:
        count = int(shape[1])
    if [*begins, count] != [0, *ends]:
        raise ValueError(
            f"the planes of its ranks do not cover box {number}, 0 to {count}, once: {covered}"
        )


def _check_part(part, number, lo, hi):
    from ecsmpi.files.saved_checkpoint import BOX

    for name in part.names():
        if not name.startswith(f"{BOX}{number} "):
            continue
        planes = part.planes(name)
        if planes not in ((lo, hi), (lo, lo)):
            raise ValueError(f"{part.path}: {name} has planes {planes}, expected {(lo, hi)}")
    part.close()


def _check_frames(path):
    from ecsmpi.files.recording import load

    recording = load(path)
    for frames in (recording, *recording.selections.values()):
        _check_values(frames)
    parts = []
    if recording.names:
        parts.append(f"{len(recording)} frames of {', '.join(recording.names)}")
    for name, selection in recording.selections.items():
        parts.append(f"{len(selection)} frames of {name}")
    for name, table in recording.diagnostics.items():
        parts.append(f"{len(table['time'])} rows of diagnostics of {name}")
    if recording.cells is not None:
        parts.append(f"{len(recording.cells.names)} sections of cells")
    return f"{'; '.join(parts)}: whole"


def _check_values(frames):
    import numpy as np

    if len(frames) and not np.all(np.diff(frames.time) > 0):
        raise ValueError("times do not increase")
    frames.check_axes()
    for name in frames.names:
        for index in range(len(frames)):
            for block in frames.blocks(name, index):
                if not np.isfinite(block).all():
                    t = frames.time[index]
                    raise ValueError(f"{name} holds values that are not finite at t = {t:g} ms")
