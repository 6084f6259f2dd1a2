"""Species without charge whose names no variable could have."""

import numpy as np

from support.model import box, cells, n, run_case, rxd, save, steps, uneven


def react():
    ecs, made = box(), cells()
    peptide = rxd.Species(
        ecs, name="dynorphin A(1-8)", d=0.1, initial=uneven, ecs_boundary_conditions=0
    )
    sensor = rxd.Species(ecs, name="kLight", initial=1)
    both = rxd.Species(ecs, name="kLight-dynorphin", initial=0)
    on, away = (
        rxd.Parameter(ecs, name="kon", value=0.3),
        rxd.Parameter(ecs, name="koff", value=0.1),
    )
    binding = rxd.Reaction(peptide + sensor, both, on, away)
    n.finitialize(-65)
    steps(20)
    save(**{str(one): np.array(one[ecs].states3d) for one in (peptide, sensor, both)})


def are_written(path):
    peptide = rxd.Species(box(), name="dynorphin A(1-8)", d=0.1, initial=uneven)
    made = cells()
    output = rxd.Output(path, every=0.5)
    watch = rxd.Diagnostics(peptide, every=0.5, output=output)
    n.finitialize(-65)
    n.continuerun(1)


if __name__ == "__main__":
    run_case(globals())
