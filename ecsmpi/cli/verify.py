"""`ecsmpi verify PATH`: whether files of ours are whole: checkpoints, and files of frames, of segments and of spikes."""

from pathlib import Path

from ecsmpi.cli.apart import apart


def add_parser(subparsers):
    """Add `verify`."""
    parser = subparsers.add_parser(
        "verify",
        help="check that checkpoints and files that a run wrote are whole",
        description="Reads all of a file of frames, a report or spikes, of a checkpoint, or of each in a folder of checkpoints: its structure, its "
        "parts, its checksums where it has them, and whether every value is a number. Status 1 where something is wrong.",
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", type=Path, help="file of frames, checkpoint, or folder of these")
    parser.set_defaults(func=verify)


def verify(args):
    """Say for each file what it is, or what is wrong with it."""
    good = True
    for path in (one for given in args.paths for one in _files(given)):
        try:
            print(f"{path}: {apart(_check, path)}")
        except (ValueError, OSError) as error:
            good = False
            print(f"{path}: WRONG: {error}")
    return 0 if good else 1


def _files(path):
    """What a path stands for; a folder, for what is in it."""
    from ecsmpi.files.checkpoint import SET_NAME, is_set

    if not path.exists():
        raise ValueError(f"there is nothing at {path}")
    if path.is_file() or is_set(path) or SET_NAME.fullmatch(path.name):
        return [path]
    found = sorted(one for one in path.iterdir() if SET_NAME.fullmatch(one.name) or one.suffix == ".h5" and ".rank" not in one.name)
    if not found:
        raise ValueError(f"{path} holds neither checkpoints nor files of frames")
    return found


def _check(path):
    return _check_set(path) if path.is_dir() else _check_file(path)


def _check_file(path):
    from ecsmpi.files.recording import opened
    from ecsmpi.files.sonata import of_cells

    with opened(path) as file:
        found = of_cells(file)
        if found is not None:
            return _check_spikes(found) if hasattr(found, "times") else _check_report(found)
    return _check_frames(path)


def _check_report(report):
    import numpy as np

    for index, t in enumerate(report.time):
        if not np.isfinite(report.frame(index)).all():
            raise ValueError(f"{report.variable} holds values that are no numbers at t = {t:g} ms")
    return f"{len(report.time)} frames of {report.variable} of {report.columns} segments: whole"


def _check_spikes(train):
    import numpy as np

    if not np.all(np.diff(train.times) >= 0):
        raise ValueError("its spikes are not in the order of time")
    return f"{len(train.times)} spikes: whole"


def _check_set(path):
    from ecsmpi.files.checkpoint import CheckpointSet

    found = CheckpointSet(path)
    found.verify()
    found.verify_numbers()
    return f"checkpoint at t = {found.facts.t:g} ms, step {found.facts.step}, of {found.ranks} ranks: whole"


def _check_frames(path):
    import numpy as np

    from ecsmpi.files.recording import load

    with load(path) as recording:
        if len(recording) and not np.all(np.diff(recording.time) > 0):
            raise ValueError("times do not increase")
        for name in recording.names:
            for index in range(len(recording)):
                if not np.isfinite(recording.frame(name, index)).all():
                    raise ValueError(f"{name} holds values that are no numbers at t = {recording.time[index]:g} ms")
        return f"{len(recording)} frames of {', '.join(recording.names)}: whole"
