"""`ecsmpi view FILE`: look at a file of frames in the browser."""

import time
from pathlib import Path

from ecsmpi.cli.child_process import read_in_child

MOST_PORT = 65535
EVERY = 0.5  # s between two looks for a file that is not there yet

EXAMPLES = """\
examples: ecsmpi view ca1.h5
          ecsmpi view ca1.h5 --follow
          ecsmpi view ca1.h5 --port 8888 --no-browser"""


def add_parser(subparsers):
    """Add `view` to the command's subparsers."""
    parser = subparsers.add_parser(
        "view",
        help="look at a file in the browser: volume, slices, surfaces, traces, cells",
        description="Show files of frames in the browser: the volume, slices, iso-surfaces and "
        "thresholds through time, concentrations at points that one clicks, and the cells. The "
        "page is served on this machine alone, to those who have the URL that is printed; Ctrl-C "
        "ends it. From another machine, `ssh -L 8888:127.0.0.1:8888 USER@MACHINE`, run it there "
        "with --port 8888 --no-browser, and open the URL here.",
        epilog=EXAMPLES,
    )
    parser.add_argument(
        "file",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="file of frames that a simulation wrote, or writes",
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="let the frames appear that a run writes meanwhile; wait for a file that is not there "
        "yet",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=0,
        help="port of 127.0.0.1 to serve the page at (default: a free one)",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="print the URL, and open no browser"
    )
    parser.set_defaults(func=view)


def view(args):
    """Serve the page until Ctrl-C."""
    from ecsmpi.extras import need

    if not 0 <= args.port <= MOST_PORT:
        raise ValueError(f"--port must be 0 to {MOST_PORT}, got {args.port}")
    try:
        for path in args.file:
            if args.follow:
                _wait_for(path)
            read_in_child(_check, path)
    except KeyboardInterrupt:
        return 0
    for module in ("pyvista", "trame.app", "trame_vtk", "trame_vuetify"):
        need(module, "view", "ecsmpi view")
    from ecsmpi.view.scene.offscreen import choose_window

    choose_window()
    from ecsmpi.view.server import serve

    serve(args.file, args.port, args.follow, not args.no_browser)
    return 0


def _check(path):
    """Raise where a file is not of frames that can be read."""
    from ecsmpi.files.recording import load

    recording = load(path)
    for frames in (recording, *recording.selections.values()):
        for name in frames.names:
            if len(frames):
                next(frames.blocks(name, -1))
    return ""


def _wait_for(path):
    if path.exists():
        return
    print(f"there is no file {path} yet: waits until a run begins it; Ctrl-C ends it", flush=True)
    while not path.exists():
        time.sleep(EVERY)
