"""The command `ecsmpi`: one module of this package for each subcommand.

Only what a subcommand needs is imported when it runs: `ecsmpi info` and `ecsmpi plot` start neither
MPI nor NEURON.
"""

import argparse
import os
import sys
import time
from importlib import import_module

from ecsmpi import __version__
from ecsmpi.ranks import launch
from ecsmpi.run.checkpoint.walltime import leave_early_when_asked

COMMANDS = ("run", "doctor", "info", "verify", "plot", "animate", "bench", "plan")


def main(argv=None):
    """Run one subcommand and return its exit status.

    A mistake of the user (ValueError, OSError, LaunchError) is one line and status 2. A subcommand
    that runs the user's own code sets `tracebacks=True` beside `func`: what that code raises keeps
    its traceback.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(
            errors="backslashreplace"
        )  # names that a terminal of ASCII alone cannot show
    own, arguments = _parted(sys.argv[1:] if argv is None else list(argv))
    if own[:1] == ["run"] and any(word.split("=")[0] == "--checkpoint" for word in own):
        leave_early_when_asked()  # before what takes long: SLURM's signal may come at any time
    parser = _parser()
    args = parser.parse_args(own)
    if arguments and "arguments" not in args:
        parser.error(f"nothing takes arguments after --, got {' '.join(arguments)}")
    args.arguments = arguments
    try:
        status = args.func(args) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # `ecsmpi info FILE | head`: nobody reads on, and that is no error
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # or Python complains as it ends
        return 141
    except (ValueError, OSError, MemoryError, launch.LaunchError) as error:
        if args.tracebacks:
            raise
        return _complain(error)


def _parted(argv):
    """Ours, and what follows `--` for a user's script."""
    if "--" not in argv:
        return argv, []
    return argv[: argv.index("--")], argv[argv.index("--") + 1 :]


class _Parser(argparse.ArgumentParser):
    """Wrong usage is said once for all ranks, before any of them has started MPI."""

    def error(self, message):
        if launch.launched_rank() > 0:
            time.sleep(
                launch.OTHERS_WAIT
            )  # leaving at once would end the first rank before it has spoken
            sys.exit(2)
        super().error(message)


def _parser():
    parser = _Parser(prog="ecsmpi", description="The extracellular space of NEURON over MPI.")
    parser.add_argument("--version", action="version", version=f"ecsmpi {__version__}")
    parser.set_defaults(tracebacks=False)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"ecsmpi.cli.{name}").add_parser(subparsers)
    return parser


def _complain(error):
    """Say what was wrong, once for all ranks, and end them all."""
    from ecsmpi.files.summary import as_plain

    message = as_plain(f"ecsmpi: {error}", kept="\n")
    from ecsmpi.neuron_api.launch import communicator

    comm = communicator()
    if comm is not None and comm.size > 1:
        launch.abort(comm, message, status=2)
    print(message, file=sys.stderr)
    return 2
