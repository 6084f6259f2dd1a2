"""`ecsmpi run SCRIPT`: build a script's model, run it, show progress, write concentrations."""

import sys
from pathlib import Path
from types import ModuleType

from ecsmpi.files.disk_errors import check_place
from ecsmpi.ranks.launch import start_mpi
from ecsmpi.run.checkpoint.walltime import leave_early_when_asked
from ecsmpi.run.observers.base import Observer


def add_parser(subparsers):
    """Add `run` to the command's subparsers."""
    parser = subparsers.add_parser(
        "run",
        help="run a script's model with progress and output",
        usage="[mpirun -n P] ecsmpi run SCRIPT [options] [-- the script's own arguments]",
        description="Builds the model at the top level of SCRIPT, whose `__name__` is then not "
        "'__main__', and runs it. A script that runs its model itself gets progress and output "
        "all the same, but decides itself how long it runs.",
        epilog="examples: mpirun -n 4 ecsmpi run model.py --output k.h5 --every 10\n"
        "          mpirun -n 4 ecsmpi run model.py --checkpoint saved --restart auto",
    )
    parser.add_argument(
        "script", metavar="SCRIPT", type=Path, help="a Python script that uses ecsmpi.rxd"
    )
    _add_time_options(parser)
    _add_output_options(parser)
    _add_computing_options(parser)
    _add_checkpoint_options(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    parser.set_defaults(func=run, arguments=[], tracebacks=True, fail=parser.error)


def _add_time_options(parser):
    """Add the options that say how the model is stepped."""
    parser.add_argument(
        "--tstop",
        type=_positive,
        metavar="MS",
        help="run to this time (default: the script's n.tstop)",
    )
    parser.add_argument(
        "--dt", type=_positive, metavar="MS", help="time step (default: the script's n.dt)"
    )
    parser.add_argument(
        "--grid-steps",
        type=_whole,
        metavar="M",
        help="NEURON's steps in each step of the grid (default: the script's)",
    )
    parser.add_argument(
        "--v-init",
        type=float,
        metavar="MV",
        help="initial voltage (default: the script's n.v_init)",
    )


def _add_output_options(parser):
    """Add the options that say what is written."""
    parser.add_argument(
        "--output", type=Path, metavar="FILE.h5", help="write the concentrations to this file"
    )
    parser.add_argument(
        "--every", type=_positive, metavar="MS", help="time between frames (default: tstop/100)"
    )
    parser.add_argument(
        "--species",
        action="append",
        metavar="NAME",
        help="write this species only; may be repeated",
    )
    parser.add_argument(
        "--slice",
        action="append",
        metavar="AXIS=UM",
        type=_slice,
        help="write only the layer of voxels there, such as z=0; may be repeated",
    )
    parser.add_argument(
        "--mean",
        action="append",
        metavar="AXIS",
        choices=("x", "y", "z"),
        help="write only the mean over this axis; may be repeated",
    )
    parser.add_argument(
        "--precision",
        choices=("float64", "float32"),
        default="float64",
        help="precision of what is written",
    )
    parser.add_argument(
        "--compression",
        type=int,
        choices=range(10),
        default=0,
        metavar="LEVEL",
        help="gzip level, 1 to 9 (default: 0, none)",
    )
    parser.add_argument(
        "--no-cells", action="store_true", help="write no morphologies of cells to the file"
    )


def _add_computing_options(parser):
    """Add the options that say how it is computed."""
    parser.add_argument(
        "--threads", type=int, metavar="N", help="threads of each rank (default: the script's)"
    )
    parser.add_argument(
        "--reproducible", action="store_true", help="compute the same bits on any number of ranks"
    )
    parser.add_argument(
        "--timings",
        action="store_true",
        help="print at the end how long each phase of the steps took",
    )


def _add_checkpoint_options(parser):
    """Add the options of checkpoints and restarts."""
    parser.add_argument(
        "--checkpoint", type=Path, metavar="DIR", help="write checkpoints to this folder"
    )
    parser.add_argument(
        "--checkpoint-every",
        metavar="TIME",
        help="how often: such as 15min, 2h or '1000 steps' (default: 15min)",
    )
    parser.add_argument(
        "--restart",
        metavar="WHERE",
        help="go on from a checkpoint: latest (of DIR), auto (the same, if there is one), "
        "or a path",
    )
    parser.add_argument(
        "--max-time",
        metavar="TIME",
        help="stop with a checkpoint and status 75 before the process has run this long, such as "
        "23:50:00",
    )
    parser.add_argument(
        "--begun",
        type=Path,
        metavar="FILE",
        help="make this file when the run begins: a signal then stops it with a checkpoint",
    )


def run(args):
    """Build the model, run it and write. Collective."""
    if not args.script.is_file():
        args.fail(f"no script at {args.script}")
    if args.output is None and (args.every or args.species or _chosen(args)):
        args.fail(
            "--every, --species, --slice, --mean, --precision, --compression and --no-cells need "
            "--output FILE.h5"
        )
    if args.checkpoint is None and (
        args.checkpoint_every or args.max_time or args.begun or args.restart in ("latest", "auto")
    ):
        args.fail(
            "--checkpoint-every, --max-time, --begun and --restart latest or auto need "
            "--checkpoint DIR"
        )
    for place in (args.output, args.begun):
        if place is None:
            continue
        try:
            check_place(place)
        except OSError as error:
            args.fail(str(error))
    sys.argv = [str(args.script), *args.arguments]
    sys.path.insert(0, str(args.script.resolve().parent))
    if args.checkpoint is not None:
        leave_early_when_asked(start_mpi())
    from ecsmpi import rxd

    if args.reproducible:
        rxd.options.reproducible = True
    if args.checkpoint is not None:
        rxd.Checkpoint(args.checkpoint, args.checkpoint_every or "15min", max_time=args.max_time)
    if args.restart is not None:
        named = args.restart in ("latest", "auto")
        rxd.restart(args.checkpoint if named else args.restart, must=args.restart != "auto")
    observer = _RunObserver(args)
    rxd.add_observer(observer)
    _build(args.script)
    if args.threads is not None:
        rxd.nthread(args.threads)
    if not observer.ran:
        _run_model(args, observer)
    observer.ended()
    if args.timings:
        _print_timings(rxd)
    if rxd.rank() == 0 and observer.output:
        for path in observer.output.paths:
            print(f"wrote {path}")


def _chosen(args) -> bool:
    """Whether an option says what to write."""
    return bool(
        args.slice or args.mean or args.precision != "float64" or args.compression or args.no_cells
    )


def _items(args) -> list:
    """What to write of each species: slices and means, or else the whole box."""
    from ecsmpi import rxd

    how = {"precision": args.precision, "compression": args.compression}
    items: list = []
    for species in args.species or rxd.all_species():
        for at in args.slice or ():
            items.append(rxd.Slice(species, **at, **how))
        for axis in args.mean or ():
            items.append(rxd.Mean(species, axis=axis, **how))
        if not (args.slice or args.mean):
            items.append(rxd.Field(species, **how))
    return items


def _print_timings(rxd):
    """Print a line for each phase: us a step, the mean and the maximum over ranks. Collective."""
    from ecsmpi.neuron_api import neuron_start
    from ecsmpi.solver.timing import OF_REST, PHASES, REST

    meaning = PHASES | {REST: OF_REST}
    phases = rxd.phases()
    steps = max(phases.steps, 1)
    found = phases.over_ranks(neuron_start.start())
    if rxd.rank() == 0:
        print(f"{'us a step':<12}{'mean':>12}{'max':>12}  over ranks, {phases.steps} steps")
        for name, mean, largest in found:
            times = f"{1e6 * mean / steps:>12.1f}{1e6 * largest / steps:>12.1f}"
            print(f"{name:<12}{times}  {meaning[name]}")


def _build(script):
    """Execute the script as a module that lives on, or its species would be gone."""
    module = ModuleType("ecsmpi_model")
    module.__file__ = str(script)
    sys.modules[module.__name__] = module
    exec(compile(script.read_bytes(), str(script), "exec"), module.__dict__)


def _run_model(args, observer):
    """Run the model of a script that does not run it itself. Collective."""
    from ecsmpi import rxd
    from ecsmpi.neuron_api.interpreter import n

    if not rxd.all_species():
        raise ValueError(
            f"{args.script} makes no rxd.Species at its top level: there is nothing to run"
        )
    observer.scripted = False
    if observer.tstop() is None:
        raise ValueError("the script sets no n.tstop: give --tstop MS")
    if args.dt is not None:
        n.dt = args.dt
    if args.grid_steps is not None:
        rxd.options.grid_steps = args.grid_steps
    v_init = args.v_init if args.v_init is not None else getattr(n, "v_init", -65.0)
    context = n.ParallelContext()
    context.set_maxstep(max(10.0, 2 * n.dt))  # psolve wants an interval beyond dt
    n.finitialize(v_init)
    # After a restart at the end there is nothing left to run, and psolve would refuse.
    if observer.tstop() > n.t + n.dt / 2:
        context.psolve(observer.tstop())


class _RunObserver(Observer):
    """Shows progress and writes output of a run, whoever runs it.

    It begins both when the run initialises, as the script's tstop is known only then.

    Attributes
    ----------
    scripted
        Whether the script runs its model itself.
    ran
        Whether a step was made.
    output
        The `rxd.Output`, or None.
    """

    def __init__(self, args):
        self._args = args
        self.scripted = True
        self.ran = False
        self.output = None
        self._parts = []

    def tstop(self):
        """End of the run, ms: as given, or the script's; None where there is neither."""
        from ecsmpi.neuron_api.interpreter import n

        tstop = self._args.tstop if self._args.tstop is not None else getattr(n, "tstop", 0.0)
        return tstop if tstop > 0 else None

    def started(self, simulation, t):
        """Begin progress and output, at t (ms). Collective."""
        self.resumed(simulation, t, None)

    def resumed(self, simulation, t, states):
        """Begin progress and output, or go on with them after a restart. Collective."""
        from ecsmpi.run.observers.base import begin

        if not self._parts:
            self._parts = self._make()
        for part in self._parts:
            begin(part, simulation, t, states)
        if self._args.begun is not None and simulation.comm.rank == 0:
            self._args.begun.touch()

    def state(self):
        """State of the output, for a checkpoint. Collective."""
        return self.output.state() if self.output else None

    def _make(self):
        from ecsmpi import rxd

        parts = []
        if not self._args.quiet:
            parts.append(rxd.Progress(self.tstop(), attach=False))
        if self._args.output is not None:
            every = self._args.every or (self.tstop() or 0) / 100
            if not every:
                raise ValueError("the script sets no n.tstop: say by --every MS how often to write")
            self.output = rxd.Output(
                self._args.output,
                every,
                items=_items(self._args),
                attach=False,
                cells=not self._args.no_cells,
            )
            parts.append(self.output)
        return parts

    def stepped(self, simulation, t):
        """Pass a step on to progress and output. Collective."""
        if self.scripted and not self.ran:
            self._refuse_unused_options()
        self.ran = True
        for part in self._parts:
            part.stepped(simulation, t)

    def _refuse_unused_options(self):
        """Raise ValueError where options are given that a script decides which runs its model."""
        given = []
        for name in ("tstop", "dt", "grid_steps", "v_init", "threads"):
            if getattr(self._args, name) is not None:
                given.append(f"--{name.replace('_', '-')}")
        if given:
            raise ValueError(
                f"{self._args.script} runs its model itself, so {' and '.join(given)} would do "
                'nothing: put its run under `if __name__ == "__main__":`, or leave the option out'
            )

    def ended(self):
        """Close progress and output. Collective."""
        for part in self._parts:
            part.ended()


# types of options; argparse names one in its messages by its __name__


def _positive(text):
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


def _slice(text):
    axis, _, at = text.partition("=")
    if axis not in ("x", "y", "z"):
        raise ValueError
    return {axis: float(at)}


_slice.__name__ = "AXIS=UM"


def _whole(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


_positive.__name__ = "positive number"
_whole.__name__ = "whole number of at least 1"
