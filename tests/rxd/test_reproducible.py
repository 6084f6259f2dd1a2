"""rxd.options.reproducible: the same bits at any number of ranks and threads."""

import numpy as np
import pytest

SCRIPT = """
    import sys
    from ecsmpi import rxd
    from neuron import n
    import numpy as np

    rxd.options.reproducible = sys.argv[2] == "reproducible"
    rxd.nthread(int(sys.argv[3]))
    n.load_file("stdrun.hoc")
    pc = n.ParallelContext()
    rank, ranks = int(pc.id()), int(pc.nhost())
    kept = []
    for gid in range(rank, 12, ranks):  # all of them in a few voxels, so that ranks share voxels
        cell = n.Section(name=f"cell{gid}")
        cell.nseg = 5
        for z in (0, 40):
            cell.pt3dadd(3.1 * gid, 0.7 * gid, z, 4 + gid / 3)
        cell.insert("hh")
        clamp = n.IClamp(cell(0.5))
        clamp.delay, clamp.dur, clamp.amp = 0.1 * gid, 5, 0.4 + 0.05 * gid
        kept += [cell, clamp]
    ecs = rxd.Extracellular(-100, -30, -20, 143, 40, 60, (5, 7, 4), volume_fraction=0.2, tortuosity=1.6)
    uneven = lambda node: 3 + (node.x3d / 100) ** 2 + node.y3d / 50 + node.z3d / 70
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    na = rxd.Species(ecs, d=60, name="na", charge=1, initial=uneven, ecs_boundary_conditions=135)
    fast = rxd.Species(ecs, d=(4000, 2, 30), initial=uneven)
    fast[ecs].nodes[100:3000:7].include_flux(1e6 / 3)
    k[ecs].node_by_location(10, 0, 10).include_flux(lambda: 1e5 * n.t)
    for cell in kept[::2]:
        na[ecs].node_by_location(0, 5, 10).include_flux(cell(0.5)._ref_v)
    n.finitialize(-65)
    n.dt, n.steps_per_ms = 0.025, 40
    n.continuerun(4)
    states = {name: one[ecs].states3d for name, one in (("k", k), ("na", na), ("fast", fast))}
    volts = {}
    for cells in pc.py_allgather({sec.name(): [(seg.v, seg.ko, seg.nao) for seg in sec] for sec in n.allsec()}):
        volts.update(cells)
    if rank == 0:
        np.savez(sys.argv[1], cells=[volts[f"cell{gid}"] for gid in range(12)], **states)
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one rank computes, once."""
    return {}


def run(on_ranks, ranks, mode="reproducible", threads=1):
    return on_ranks(ranks, SCRIPT, mode, threads, env={"NUMBA_NUM_THREADS": str(threads)})


@pytest.mark.parametrize(
    "ranks, threads",
    [
        (3, 1),
        (4, 2),
        pytest.param(2, 1, marks=pytest.mark.long),
        pytest.param(7, 1, marks=pytest.mark.long),
    ],
)
def test_bits_do_not_depend_on_ranks_or_threads(ranks, threads, on_ranks, alone):
    if not alone:
        alone.update(run(on_ranks, 1))
    found = run(on_ranks, ranks, threads=threads)
    for name, expected in alone.items():
        differing = np.count_nonzero(found[name] != expected)
        assert differing == 0, (
            f"{differing} of {expected.size} values of {name} differ on {ranks} ranks"
        )


def test_reproducible_results_are_the_others_to_round_off(on_ranks, alone):
    if not alone:
        alone.update(run(on_ranks, 1))
    for name, usual in run(on_ranks, 1, "usual").items():
        assert np.abs(alone[name] - usual).max() <= 1e-12 * np.abs(usual).max(), name
        assert np.any(alone[name] != usual) or name == "cells", f"{name}: the option does nothing"


def test_option_comes_before_concentrations(on_ranks):
    found = on_ranks(
        None,
        """
        import sys
        from ecsmpi import rxd
        import numpy as np
        ecs = rxd.Extracellular(0, 0, 0, 9, 9, 9, 1)
        k = rxd.Species(ecs, d=1, initial=1)
        rxd.options.reproducible = True
        k[ecs].states3d
        try:
            rxd.options.reproducible = False
            said = ""
        except RuntimeError as error:
            said = str(error)
        np.savez(sys.argv[1], said=said)
        """,
    )
    assert "must be set before any concentration is used" in str(found["said"])
