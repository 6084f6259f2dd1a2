"""The command `ecsmpi`: one module of this package for each subcommand.

Only what a subcommand needs is imported when it runs: `ecsmpi info` and `ecsmpi plot` start neither
MPI nor NEURON.
"""

import sys
from importlib import import_module

from ecsmpi import __version__
from ecsmpi.cli.command_parser import CommandParser, leave_broken_pipe
from ecsmpi.extras import MissingPackageError
from ecsmpi.ranks import launch, launchers
from ecsmpi.run.checkpoint.walltime import leave_early_when_asked

COMMANDS = (
    "run",
    "doctor",
    "init",
    "info",
    "verify",
    "plot",
    "animate",
    "view",
    "cells",
    "bench",
    "plan",
)


def main(argv=None):
    """Run one subcommand and return its exit status.

    A mistake of the user (ValueError, OSError, LaunchError) is one line and status 2, and so is a
    missing package of an extra. A subcommand that runs the user's own code sets `tracebacks=True`
    beside `func`: errors of that code keep their traceback.

    Parameters
    ----------
    argv
        Words after `ecsmpi`; None for those of this process.
    """
    if hasattr(sys.stdout, "reconfigure"):
        # For names that a terminal of ASCII alone cannot show.
        sys.stdout.reconfigure(errors="backslashreplace")
    own, arguments = _split(sys.argv[1:] if argv is None else list(argv))
    has_checkpoints = any(word.split("=")[0] == "--checkpoint" for word in own)
    if own[:1] == ["run"] and has_checkpoints and launchers.launched_ranks() == 1:
        leave_early_when_asked()  # before what takes long; ranks first have to start MPI
    args = command_parser().parse_args(own)
    if arguments and "arguments" not in args:
        args.parser.error(f"nothing takes arguments after --, got {' '.join(arguments)}")
    args.arguments = arguments
    try:
        status = args.func(args) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # `ecsmpi info FILE | head`: nobody reads on, and that is no error
        leave_broken_pipe()
        return 141
    except (ValueError, OSError, MemoryError, MissingPackageError, launch.LaunchError) as error:
        if args.tracebacks:
            raise
        return _complain(error)


def _split(argv):
    """The words before `--`, and those after it, which are for the user's script."""
    if "--" not in argv:
        return argv, []
    at = argv.index("--")
    return argv[:at], argv[at + 1 :]


def command_parser() -> CommandParser:
    """Return the parser of the command `ecsmpi` with all its subcommands."""
    parser = CommandParser(
        prog="ecsmpi",
        description="The extracellular space of NEURON over MPI.",
        epilog="example: ecsmpi COMMAND --help",
    )
    parser.add_argument("--version", action="version", version=f"ecsmpi {__version__}")
    parser.set_defaults(tracebacks=False)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"ecsmpi.cli.{name}").add_parser(subparsers)
    return parser


def _complain(error):
    """Print the error, once for all ranks, and end all of them. Returns the exit status."""
    from ecsmpi.files.summary import as_plain

    message = as_plain(f"ecsmpi: {error}", kept="\n")
    from ecsmpi.neuron_api.neuron_start import communicator

    comm = communicator()
    if comm is not None and comm.size > 1:
        launch.abort(comm, message, status=2)
    print(message, file=sys.stderr)
    return 2
