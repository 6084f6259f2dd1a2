"""What each `ecsmpi bench KIND` does with its options. MPI and NEURON start when it is called, not
before.
"""

from ecsmpi.benchmarks import options


def measure_kernel(args):
    """A box without cells, on the ranks of this launch. Collective."""
    problem = _problem(args)
    _measure_here("kernel", lambda ranks: problem, args, args.reproducible)


def measure_strong(args):
    """The same box on this launch's ranks, or on a list of them."""
    problem = _problem(args)
    _measure_scaling("strong", lambda ranks: problem, args)


def measure_weak(args):
    """A box as many times as long as there are ranks."""
    _measure_scaling("weak", _problem(args).times, args)


def _problem(args):
    from ecsmpi.benchmarks.problem import Problem

    return Problem(tuple(args.shape), args.species, args.segments, args.dt, args.dx)


def _measure_scaling(kind, problem_on, args):
    if args.ranks is not None:
        _measure_launches(kind, args)
        return
    if args.threads is not None and len(args.threads) > 1:
        args.fail(
            "one launch measures one number of threads: give --ranks too, or one number to --threads"
        )
    if args.mpirun != options.LAUNCHER:
        args.fail("--mpirun needs --ranks P,P,...: without it nothing is started")
    args.threads = args.threads[0] if args.threads else None
    _measure_here(kind, problem_on, args)


def _check_json(args):
    """What --json names can be written: better said now than after the measurement."""
    if args.json is not None:
        try:
            open(args.json, "a").close()
        except OSError as error:
            args.fail(f"--json: {error}")


def _refuse_ranks(args):
    from ecsmpi.benchmarks import launches

    if launches.launched_ranks() > 1:
        args.fail("start this one without mpirun: it starts its ranks itself")


def _measure_here(kind, problem_on, args, reproducible=False):
    from ecsmpi.benchmarks import box, tables
    from ecsmpi.benchmarks.repetition import Effort

    effort = Effort(args.repetitions, args.seconds)
    _check_json(args)
    record = box.measure(kind, problem_on, args.threads, effort, reproducible)
    _hand_over(record, args.json, tables.box_report)


def _hand_over(record, path, report):
    """Print and keep a record, once for all ranks."""
    from ecsmpi.benchmarks import records
    from ecsmpi.neuron_api import launch

    if launch.start().rank == 0:
        print(report(record), flush=True)
        if path is not None:
            records.append(path, record)


def _measure_launches(kind, args):
    from ecsmpi.benchmarks import launches, records, tables

    _refuse_ranks(args)
    _check_json(args)
    found = []
    for ranks in args.ranks:
        for threads in args.threads or [None]:
            found.append(launches.bench(ranks, options.words_of(kind, args, threads), args.mpirun))
            print(tables.progress(found[-1]), flush=True)
            if args.json is not None:
                records.append(args.json, found[-1])
    print(tables.scaling_report(found))


def compare_with_neuron(args):
    """The live table; status 1 where a target is missed."""
    from ecsmpi.benchmarks import against_neuron, records, tables

    _refuse_ranks(args)
    _check_json(args)
    if args.morphology is not None and not args.morphology.is_file():
        args.fail(f"no morphology at {args.morphology}: give an .swc file")
    edge, initial_edge = (128, 64) if args.quick else (256, 200)
    comparison = against_neuron.compare(
        against_neuron.Comparison(
            args.edge or edge,
            args.initial_edge or initial_edge,
            args.rounds,
            args.repetitions,
            args.mpirun,
            morphology=args.morphology,
        ),
        say=lambda text: print(text, flush=True),
    )
    print(tables.comparison_report(comparison))
    if args.json is not None:
        records.append(args.json, comparison)
    return int(any(row["met"] is False for row in comparison["rows"]))


def compare_model(args):
    """The slice with NEURON and with ecsmpi; status 1 where a target is missed."""
    from ecsmpi.benchmarks import model, records, tables

    _refuse_ranks(args)
    _check_json(args)
    found = model.compare(
        model.Comparison(
            args.size,
            args.thickness,
            args.density,
            tuple(args.ranks),
            args.rounds,
            args.repetitions,
            args.mpirun,
        ),
        say=lambda text: print(text, flush=True),
    )
    print(tables.comparison_report(found))
    if args.json is not None:
        records.append(args.json, found)
    return int(any(row["met"] is False for row in found["rows"]))


def measure_exchange(args):
    """Each number of segments, in each layout. Collective."""
    from ecsmpi.benchmarks import box, tables
    from ecsmpi.benchmarks.problem import Problem
    from ecsmpi.benchmarks.repetition import Effort

    effort = Effort(args.repetitions, args.seconds)
    problems = [Problem(tuple(args.shape), args.species, segments) for segments in args.segments]
    _check_json(args)
    comm, _, threads = box.start(None)
    from ecsmpi.benchmarks import exchange  # which imports what is to be imported after the start

    box.compile_first(comm, args.shape[2])
    grid = exchange.Space(comm, problems[0])
    for problem in problems:
        for layout in exchange.LAYOUTS:
            record = exchange.measure(problem, layout, comm, threads, effort, grid)
            _hand_over(record, args.json, tables.exchange_report)


def measure_gate(args):
    """Steps with the gate and without it. Collective."""
    from ecsmpi.benchmarks import gate, tables
    from ecsmpi.benchmarks.repetition import Effort

    effort = Effort(args.repetitions, args.seconds)
    _check_json(args)
    _hand_over(gate.measure(_problem(args), args.threads, effort), args.json, tables.gate_report)


def measure_start(args):
    """Starts of a script with nothing compiled, and later ones. Local."""
    from ecsmpi.benchmarks import start

    print(start.report(start.measure(args.script, args.rounds)))


def measure_memory(args):
    """Bytes a voxel. Collective."""
    from ecsmpi.benchmarks import memory, tables
    from ecsmpi.benchmarks.problem import Problem

    _check_json(args)
    record = memory.measure(Problem(tuple(args.shape)), args.steps, args.frames)
    _hand_over(record, args.json, tables.memory_report)


def plot(args):
    """Write the picture."""
    from ecsmpi.benchmarks import pictures, records
    from ecsmpi.cli.plot import check_folder

    check_folder(args.output)
    pictures.scaling([record for path in args.files for record in records.read(path)], args.output)
    print(args.output)
