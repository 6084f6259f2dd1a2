"""Species and regions: which combine, and their life."""

import gc

import numpy as np

from support.model import (
    box,
    cells,
    message_of,
    n,
    of_segments,
    ranks,
    run_case,
    rxd,
    save,
    steps,
    uneven,
)


def species_and_regions():
    made = cells(range(7), apart=75)  # two in each box, three in none
    ecs, far = box(), box(at=300, dx=10)
    k = rxd.Species([ecs, far], d=2.62, name="k", charge=1, initial=uneven)
    na = rxd.Species(far, d=1.78, name="na", charge=1, initial=140)
    unnamed = rxd.Species(ecs, d=1, charge=1, initial=uneven)
    still = rxd.Species(far, d=0, initial=uneven)
    tracer = rxd.Species(ecs, d=1, name="tracer", charge=0, initial=uneven)
    n.finitialize(-65)
    steps(60)
    grids = {
        f"{one} {number}": np.array(one[region].states3d)
        for one, number, region in ((k, 0, ecs), (k, 1, far), (na, 1, far), (tracer, 0, ecs))
    }
    save(
        unnamed=np.array(unnamed[ecs].states3d),
        still=np.array(still[far].states3d),
        **grids,
        segments=of_segments(made, "ko", "nao", "tracero", "v", "ek"),
    )


def dropped():
    made, ecs, saved = cells(), box(), {}
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=120)

    def look(when):
        saved[f"start {when}"] = of_segments(made, "ko", "ek", "nao", "ena", "v")
        steps(20)
        saved[f"end {when}"] = of_segments(made, "ko", "ek", "nao", "ena", "v")
        saved[f"k {when}"] = np.array(k[ecs].states3d)

    n.finitialize(-65)
    look("with sodium")
    del na
    gc.collect()
    n.finitialize(-65)
    look("without sodium")
    na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=100)  # the name is free again
    n.finitialize(-65)
    look("with other sodium")
    save(na=np.array(na[ecs].states3d), **saved)


def no_species():
    made, ecs = cells(), box()
    n.finitialize(-65)
    steps(20)
    alone = of_segments(made, "v")
    k = rxd.Species(ecs, d=2, name="k", charge=1, initial=30)
    n.finitialize(-65)
    steps(20)
    assert rxd.all_species() == [k]
    assert (of_segments(made, "v") != alone).all()
    del k
    gc.collect()
    assert rxd.all_species() == []
    n.finitialize(-65)
    steps(20)


def changed_between_runs():
    made, ecs, far = cells(), box(), box(at=300)
    k = rxd.Species(ecs, d=2, name="k", charge=1, initial=7)
    n.finitialize(-65)
    steps(3)
    k.name, k.charge = "ca", 2
    if ranks == 1:  # on more it ends the job
        said = message_of(RuntimeError, n.fadvance)
        expected = "k is called ca; ca has charge 2, which was 1: call"
        assert said.startswith(f"species have changed since n.finitialize(): {expected}"), said
    n.finitialize(-65)
    segments = of_segments(made, "ko", "cao", "ek")
    assert (segments[:, 1] == 7).all()
    assert (segments[:, 0] == n.ko0_k_ion).all()  # k is NEURON's again
    steps(3)
    assert (of_segments(made, "ko")[:, 0] == n.ko0_k_ion).all()
    k.regions = [far, ecs]
    n.finitialize(-65)
    assert (k[far].states3d == 7).all()
    assert len(k.nodes) == 2 * 1980
    part = k[ecs]
    k.regions = far
    n.finitialize(-65)
    steps(2)
    assert (of_segments(made, "cao")[:, 0] == n.cao0_ca_ion).all()
    assert "no longer defined" in message_of(rxd.RxDException, lambda: part.states3d)


def changed_d():
    ecs = box()
    other, same = (rxd.Species(ecs, d=d, initial=uneven) for d in (0, (1, 2, 3)))
    n.finitialize(-65)
    other.d = (1, 2, 3)
    steps(5)
    assert np.array_equal(other[ecs].states3d, same[ecs].states3d)
    other[ecs].d = same.d = 0
    before = same[ecs].states3d.copy()
    steps(5)
    assert np.array_equal(other[ecs].states3d, before)
    assert np.array_equal(same[ecs].states3d, before)
    same.d = 4
    n.finitialize(-65)
    other.d = 4  # before the first step
    steps(5)
    assert np.array_equal(other[ecs].states3d, same[ecs].states3d)
    assert other[ecs].d == other.d == 4


if __name__ == "__main__":
    run_case(globals())
