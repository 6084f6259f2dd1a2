"""Runs: again, in every way, with cells anywhere or nowhere, inside the box or outside."""

import warnings

import numpy as np

from support.model import (
    box,
    cells,
    n,
    of_segments,
    pc,
    rank,
    ranks,
    run_case,
    rxd,
    save,
    steps,
    uneven,
)


def second_finitialize():
    ecs = box()
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    made, saved = cells(range(2)), {}  # made after the species
    record = n.Vector().record(made[rank](0.5)._ref_ko) if rank in made else None
    for run, (dt, number) in enumerate(((0.1, None), (0.025, 2), (0.2, 3))):
        if number is not None:
            made |= cells([number])
        n.dt, n.steps_per_ms = dt, 1 / dt
        n.finitialize(-65)
        saved[f"start {run}"] = np.array(k[ecs].states3d)
        steps(40)
        n.dt = 0.05  # also within a run
        steps(20)
        saved[f"end {run}"] = np.array(k[ecs].states3d)
        saved[f"segments {run}"] = of_segments(made, "ko", "v")
    save(record=np.array(record), **saved)


def every_way():
    made, ecs = cells(), box()
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    pc.set_maxstep(10)
    n.tstop = 5
    found = []
    for run in (lambda: steps(50), lambda: n.continuerun(5), lambda: pc.psolve(5), n.run):
        n.finitialize(-65)
        run()
        assert abs(n.t - 5) < 1e-9
        found.append((k[ecs].states3d.copy(), of_segments(made, "ko", "v")))
    for field, segments in found:
        assert np.array_equal(field, found[0][0])
        assert np.array_equal(segments, found[0][1])
    assert np.ptp(found[0][0] - uneven(k[ecs].node_by_ijk(0, 0, 0))) > 0


def no_rank_has_cells():
    ecs = box()

    def initial(node):
        return 40 if abs(node.x3d) < 20 else 3

    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=initial)
    n.finitialize(-65)
    steps(30)
    save(k=np.array(k[ecs].states3d))


def cells_on_one_rank():
    made = cells(on=ranks - 1)
    ecs = box()
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    n.finitialize(-65)
    steps(100)
    save(k=np.array(k[ecs].states3d), segments=of_segments(made, "ko", "v", "ek"))


def inserted_mechanisms():
    made, ecs = cells(), box()
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    n.finitialize(-65)
    steps(30)
    for i, sec in made.items():
        if i in (1, 2):
            sec.insert("pas")
    steps(30)
    clamps = [n.IClamp(sec(0.1)) for sec in made.values()]
    for clamp in clamps:
        clamp.delay, clamp.dur, clamp.amp = 7, 1, 1
    steps(30)
    save(k=np.array(k[ecs].states3d), segments=of_segments(made, "ko", "v", "ek"))


def several_boxes():
    made, ecs, far = cells(range(5), apart=75), box(), box(at=300)
    k = rxd.Species([ecs, far], d=2.62, name="k", charge=1, initial=7)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        n.finitialize(-65)
    ko = of_segments(made, "ko")[:, 0]
    assert (ko[:6] == 7).all()
    assert (ko[-3:] == 7).all()
    assert (ko[6:-3] == n.ko0_k_ion).all()
    assert [str(one.message)[:2] for one in said] == ["6 "] * (rank == 0)


if __name__ == "__main__":
    run_case(globals())
