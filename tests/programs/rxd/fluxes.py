"""Fluxes into nodes of twelve species: each is counted once, wherever it is known."""

from support.model import box, cells, n, rank, ranks, run_case, rxd, steps

ecs, made = box(), cells()
names = [f"s{i}" for i in range(12)]
s = [rxd.Species(ecs, d=2, name=name, charge=0, initial=1) for name in names]
clamps = {i: n.IClamp(sec(0.5)) for i, sec in made.items()}
for i, clamp in clamps.items():
    clamp.dur, clamp.amp = 1e9, i + 1
kinds = [n.ref(5e5), n.Vector([7, 8e5, 9])]
calls = []
node = {one: one[ecs].node_by_location(-10, 0, 0) for one in s}  # of some rank
free = node[s[0]].volume


def added(one):
    "mM um3 that one has got more of"
    return (one[ecs].states3d.sum() - 1980) * free


def called():
    calls.append(n.t)
    return 3e5


def mine():
    return 2e5


def register():
    node[s[0]].include_flux(6e5)  # on all ranks
    node[s[1]].include_flux(1e5 * (rank + 1))  # another on each
    for _ in range(2):
        node[s[2]].include_flux(6e5)  # twice on all ranks
    if rank == ranks - 1:
        node[s[3]].include_flux(6e5)  # on one
        node[s[4]].include_flux(mine)
    node[s[5]].include_flux(called)
    for clamp in clamps.values():
        node[s[6]].include_flux(clamp._ref_amp, units="mol/ms")  # of each rank's cells
    node[s[7]].include_flux(kinds[0])  # of no cell, on all ranks
    node[s[7]].include_flux(kinds[1]._ref_x[1])
    s[8].nodes[::7].include_flux(6e5)  # a list, in voxels of every rank
    s[9].nodes[100:110].include_flux(mine)
    s[10].nodes[100:110].include_flux(n._ref_dt, units="mmol/ms")
    if rank == 0:
        s[11].nodes[5::19].include_flux(6e5)


def check(time):
    per_mM = 602214.076
    assert abs(per_mM / (n.Avogadro_constant / 1e18) - 1) < 1e-6
    per_mM = n.Avogadro_constant / 1e18
    of_list = len(range(0, 1980, 7)), len(range(5, 1980, 19))
    expected = (
        6e5,
        1e5 * ranks * (ranks + 1) / 2,
        12e5,
        6e5,
        2e5,
        3e5,
        10e18 * per_mM,
        13e5,
        6e5 * of_list[0],
        20e5,
        10e15 * n.dt * per_mM,
        6e5 * of_list[1],
    )
    for one, rate in zip(s, expected):
        assert abs(added(one) / (rate * time / per_mM) - 1) < 1e-8, (
            one,
            added(one),
            rate * time / per_mM,
        )


def counted_once():
    register()
    for _ in range(2):  # fluxes outlive a finitialize
        calls.clear()
        n.finitialize(-65)
        steps(10)
        check(1.0)
        owns = s[5][ecs].planes[0] <= node[s[5]]._i < s[5][ecs].planes[1]
        assert len(calls) == 10 * owns, calls  # once in a step, where the voxel is
    clamps.clear()


def begins_during_a_run():
    n.finitialize(-65)
    steps(4)
    register()
    rxd.re_init()  # on all ranks, for what only some of them know
    steps(6)
    check(0.6)
    node[s[0]].include_flux(6e5)  # on all ranks: that suffices
    before = added(s[0])
    steps(1)
    assert abs((added(s[0]) - before) / (12e5 * 0.1 * 1e18 / n.Avogadro_constant) - 1) < 1e-8


if __name__ == "__main__":
    run_case(globals())
