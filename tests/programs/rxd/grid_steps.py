"""Steps of the grid that are several of NEURON's: mass, order of the error, whole steps."""

import numpy as np

from support.model import box, cells, n, pc, rank, ranks, run_case, rxd, save, steps, uneven


def currents_of_all_steps():
    ecs, made = box(), {}
    if rank == ranks - 1:
        made[0] = n.Section(name="cell")
        made[0].pt3dadd(-30, 0, 0, 5)
        made[0].pt3dadd(35, 0, 0, 5)
        made[0].nseg = 3
        made[0].insert("hh")
        clamp = n.IClamp(made[0](0.5))
        clamp.delay, clamp.dur, clamp.amp = 0.2, 100, 2
    currents = [n.Vector().record(seg._ref_ik) for sec in made.values() for seg in sec]
    area = [seg.area() for sec in made.values() for seg in sec]
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    for count in (1, 2, 7):
        rxd.options.grid_steps = count
        n.dt = 0.025
        n.finitialize(-65)
        before = k[ecs].states3d.sum()
        steps(42)
        n.dt = 0.05  # also within a step of the grid, which then sums steps of both
        steps(4)
        n.dt = 0.025
        steps(3 * 14 - 4)
        dts = np.repeat([0.025, 0.05, 0.025], [42, 4, 38])
        amount = (
            sum(np.sum(np.array(i)[1:] * dts) * a for i, a in zip(currents, area))
            * 1e4
            / n.FARADAY
        )
        came = pc.allreduce(amount, 1) / (7 * 8 * 9 * 0.2)  # mM of a voxel
        after = k[ecs].states3d.sum()
        assert came > 1e-4 * before and abs(after - before - came) <= 1e-12 * after, (
            count,
            after,
            before,
            came,
        )


def errors_by_length():
    ecs, made = rxd.Extracellular(-50, -40, -40, 51, 42, 60, 9, volume_fraction=0.02), cells()
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
    at_end = {}
    for count in (1, 2, 4, 8):
        rxd.options.grid_steps = count
        n.dt = 0.0125
        n.finitialize(-65)
        steps(240)
        at_end[f"of {count}"] = np.array([one[ecs].states3d for one in (k, na)])
    save(**at_end)


def observers_and_segments():
    class Seen:
        def __init__(self):
            self.times = []

        def started(self, simulation, t):
            self.times = [t]

        def stepped(self, simulation, t):
            self.times.append(t)

        def ended(self):
            pass

    seen = Seen()
    rxd.add_observer(seen)
    ecs, made = box(), cells()
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    recorded = n.Vector().record(k[ecs].node_by_location(-28, 2, 3)._ref_value)
    rxd.options.grid_steps = 4
    n.finitialize(-65)
    steps(2)
    n.finitialize(-65)  # begins the step of the grid anew
    steps(3)
    assert seen.times == [0] and np.ptp(np.array(recorded)) == 0
    rxd.options.grid_steps = 2  # waits for the step that has begun
    steps(5)
    assert np.allclose(seen.times, [0, 0.4, 0.6, 0.8]), seen.times
    changes = np.flatnonzero(np.diff(np.array(recorded))) + 1
    assert changes.tolist() == [4, 6, 8], changes


if __name__ == "__main__":
    run_case(globals())
