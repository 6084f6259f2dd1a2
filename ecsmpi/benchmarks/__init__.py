"""What stands behind `ecsmpi bench` and `ecsmpi plan`.

Measurements follow the rules of Hoefler and Belli (2015, SC15, "Scientific benchmarking of parallel
computing systems").

    problem.py          what is measured: a box of voxels, its species and the segments in it
    repetition.py       repetitions, medians and their confidence intervals
    records.py          results as JSON lines, with versions and processor
    measurements/       measured on the ranks of this launch: steps, exchange, memory, bandwidth
    comparisons/        processes that are started and compared: NEURON beside ecsmpi, starts
    peers/              other solvers, each with what it needs to step the same box
    scripts/            the scripts that those processes run, with NEURON or with ecsmpi
    reports/            tables and pictures of records
    plan/               a model of the time step: predicts what a run will cost
    options.py          options that several kinds of `ecsmpi bench` share
    commands.py         what each `ecsmpi bench KIND` does with its options
"""
