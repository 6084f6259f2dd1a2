"""What each `ecsmpi bench KIND` does with its options.

Modules that start MPI or NEURON are imported when a command runs, not before.
"""

from dataclasses import replace

from ecsmpi.benchmarks import options
from ecsmpi.ranks.launchers import launched_ranks


def measure_kernel(args):
    """Measure a step of a box, on the ranks of this launch. Collective."""
    problem = replace(_problem(args), varies=args.varying)
    _measure_here("kernel", lambda ranks: problem, args, args.reproducible)


def measure_strong(args):
    """Measure the same box on this launch's ranks, or on each number of ranks in a list."""
    problem = _problem(args)
    _measure_scaling("strong", lambda ranks: problem, args)


def measure_weak(args):
    """Measure a box that is longer along x the more ranks there are."""
    _measure_scaling("weak", _problem(args).times, args)


def measure_exchange(args):
    """Measure the exchange for each number of segments in each layout. Collective."""
    from ecsmpi.benchmarks.measurements import box
    from ecsmpi.benchmarks.problem import Problem
    from ecsmpi.benchmarks.reports import tables

    effort = _effort(args)
    problems = [Problem(tuple(args.shape), args.species, segments) for segments in args.segments]
    _check_json(args)
    comm, _, threads = box.start(None)
    # This module imports the solver's kernels, which must wait for the start.
    from ecsmpi.benchmarks.measurements import exchange

    box.compile_first(comm, args.shape[2])
    grid = exchange.BoxWithoutNeuron(comm, problems[0])
    for problem in problems:
        for layout in exchange.LAYOUTS:
            record = exchange.measure(problem, layout, comm, threads, effort, grid)
            _print_and_keep(record, args.json, tables.exchange_report)


def measure_gate(args):
    """Measure steps with the read gate and without it. Collective."""
    from ecsmpi.benchmarks.measurements import read_gate
    from ecsmpi.benchmarks.reports import tables

    effort = _effort(args)
    _check_json(args)
    record = read_gate.measure(_problem(args), args.threads, effort)
    _print_and_keep(record, args.json, tables.gate_report)


def measure_memory(args):
    """Measure resident bytes for each voxel. Collective."""
    from ecsmpi.benchmarks.measurements import memory
    from ecsmpi.benchmarks.problem import Problem
    from ecsmpi.benchmarks.reports import tables

    _check_json(args)
    record = memory.measure(Problem(tuple(args.shape)), args.steps, args.frames)
    _print_and_keep(record, args.json, tables.memory_report)


def measure_start(args):
    """Measure starts of a script with nothing compiled, and later ones. Local."""
    from ecsmpi.benchmarks.comparisons import start

    print(start.report(start.measure(args.script, args.rounds)))


def compare_with_neuron(args):
    """Print NEURON's times beside ecsmpi's. Returns status 1 where a target is missed."""
    from ecsmpi.benchmarks.comparisons import against_neuron

    _refuse_ranks(args)
    _check_json(args)
    if args.morphology is not None and not args.morphology.is_file():
        args.fail(f"no morphology at {args.morphology}: give an .swc file")
    edge, initial_edge = (128, 64) if args.quick else (256, 200)
    comparison = against_neuron.Comparison(
        args.edge or edge,
        args.initial_edge or initial_edge,
        args.rounds,
        args.repetitions,
        args.mpirun,
        morphology=args.morphology,
    )
    return _report_comparison(against_neuron.compare(comparison, _say), args)


def compare_model(args):
    """Print the slice's times with NEURON and ecsmpi. Returns status 1 where a target is missed."""
    from ecsmpi.benchmarks.comparisons import brain_slice

    _refuse_ranks(args)
    _check_json(args)
    comparison = brain_slice.Comparison(
        args.size,
        args.thickness,
        args.density,
        tuple(args.ranks),
        args.rounds,
        args.repetitions,
        args.mpirun,
    )
    return _report_comparison(brain_slice.compare(comparison, _say), args)


def compare_ranks(args):
    """Print what a rank takes above NEURON's own. Returns status 1 where a target is missed."""
    from ecsmpi.benchmarks.comparisons import rank

    _refuse_ranks(args)
    _check_json(args)
    comparison = rank.Comparison(args.size, args.ranks, args.rounds, args.mpirun, args.threads)
    return _report_comparison(rank.compare(comparison, _say), args)


def compare_peers(args):
    """Print steps of other solvers beside ecsmpi's. Returns 1 where one is not of its scheme."""
    from ecsmpi.benchmarks import records
    from ecsmpi.benchmarks.comparisons import beside_peers
    from ecsmpi.benchmarks.reports.peer_table import peers_report

    _refuse_ranks(args)
    _check_json(args)
    comparison = beside_peers.Comparison(
        tuple(args.size),
        tuple(args.r),
        tuple(args.peers),
        args.wavelength,
        args.rounds,
        args.repetitions,
        args.seconds,
        args.limit,
        tuple(args.python),
    )
    status = 0
    for record in beside_peers.compare(comparison, _say):
        _say(peers_report(record))
        if args.json is not None:
            records.append(args.json, record)
        if any(row["right"] is False for row in record["rows"]):
            status = 1
    return status


def plot(args):
    """Draw the records of scaling in some files."""
    from ecsmpi.benchmarks import records
    from ecsmpi.benchmarks.reports import pictures

    found = []
    for path in args.files:
        found += records.read(path)
    pictures.draw_scaling(found, args.output)
    print(args.output)


def _problem(args):
    from ecsmpi.benchmarks.problem import Problem

    return Problem(tuple(args.shape), args.species, args.segments, args.dt, args.dx)


def _effort(args):
    from ecsmpi.benchmarks.repetition import Effort

    return Effort(args.repetitions, args.seconds)


def _say(text):
    print(text, flush=True)


def _measure_scaling(kind, problem_on, args):
    if args.ranks is not None:
        _measure_launches(kind, args)
        return
    if args.threads is not None and len(args.threads) > 1:
        args.fail(
            "one launch measures one number of threads: "
            "give --ranks too, or one number to --threads"
        )
    if args.mpirun != options.LAUNCHER:
        args.fail("--mpirun needs --ranks P,P,...: without it nothing is started")
    args.threads = args.threads[0] if args.threads else None
    _measure_here(kind, problem_on, args)


def _measure_here(kind, problem_on, args, reproducible=False):
    from ecsmpi.benchmarks.measurements import box
    from ecsmpi.benchmarks.reports import tables

    effort = _effort(args)
    _check_json(args)
    record = box.measure(kind, problem_on, args.threads, effort, reproducible)
    _print_and_keep(record, args.json, tables.box_report)


def _measure_launches(kind, args):
    from ecsmpi.benchmarks import records
    from ecsmpi.benchmarks.comparisons import launches
    from ecsmpi.benchmarks.reports import tables

    _refuse_ranks(args)
    _check_json(args)
    found = []
    for ranks in args.ranks:
        for threads in args.threads or [None]:
            words = options.words_of(kind, args, threads)
            record = launches.bench(ranks, words, args.mpirun)
            found.append(record)
            _say(tables.progress(record))
            if args.json is not None:
                records.append(args.json, record)
    print(tables.scaling_report(found))


def _refuse_ranks(args):
    if launched_ranks() > 1:
        args.fail("start this one without mpirun: it starts its ranks itself")


def _check_json(args):
    """Fail before the measurement where the file of --json cannot be written."""
    if args.json is not None:
        try:
            open(args.json, "a").close()
        except OSError as error:
            args.fail(f"--json: {error}")


def _print_and_keep(record, path, report):
    """Print report(record), and append the record to the file of --json. Only rank 0 does so."""
    from ecsmpi.benchmarks import records
    from ecsmpi.neuron_api import neuron_start

    if neuron_start.start().rank == 0:
        _say(report(record))
        if path is not None:
            records.append(path, record)


def _report_comparison(record, args):
    """Print and keep the record of a comparison. Returns 1 where a target is missed, else 0."""
    from ecsmpi.benchmarks import records
    from ecsmpi.benchmarks.reports import tables

    print(tables.comparison_report(record))
    if args.json is not None:
        records.append(args.json, record)
    return int(any(row["met"] is False for row in record["rows"]))
