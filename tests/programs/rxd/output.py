"""Output and progress of a script: `output.py OUTPUT BACKEND CASE [FOLDER]`."""

import io

import numpy as np

from support.model import box, cells, n, pc, rank, run_case, rxd, save, steps, uneven


def holds_states3d(folder):
    made, ecs, far = cells(), box(), box(at=80)
    k = rxd.Species([ecs, far], d=2.62, name="k", charge=1, initial=uneven)
    na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
    stream = io.StringIO()
    rxd.Progress(2, stream)
    every = rxd.Output(f"{folder}/all.h5", every=0.5)
    only_na = rxd.Output(f"{folder}/na.h5", every=1, species=na)
    named = rxd.Output(f"{folder}/named.h5", every=1, species="na")
    for _run in range(2):  # a second finitialize begins the files again
        n.finitialize(-65)
        frames = [[one.states3d.copy() for one in (k[ecs], na[ecs], k[far])]]
        for _ in range(4):
            steps(5)
            frames.append([one.states3d.copy() for one in (k[ecs], na[ecs], k[far])])
    assert [path.name for path in every.paths] == ["all.h5", "all.box1.h5"]
    assert [path.name for path in only_na.paths] == ["na.h5"]
    said = stream.getvalue()
    assert ("ecsmpi: 15 x 11 x 12 voxels in" in said) == (rank == 0), said
    k_ecs, na_ecs, k_far = (np.array(one) for one in zip(*frames))
    save(k_ecs=k_ecs, na_ecs=na_ecs, k_far=k_far)


def ends(way):
    made, ecs = cells(), box()
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
    output = rxd.Output("k.h5", every=0.5)
    n.finitialize(-65)
    steps(10)
    if way == "quit":
        pc.barrier()
        n.quit()
    else:
        pc.runworker()
        pc.done()


if __name__ == "__main__":
    run_case(globals())
