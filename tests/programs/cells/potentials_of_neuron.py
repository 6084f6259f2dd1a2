"""Reversal potentials where NEURON has no place for a function to call."""

from dataclasses import replace

import numpy as np

from support.model import BACKEND, box, cells, n, of_segments, rxd, save, steps, uneven

if BACKEND != "neuron":
    from ecsmpi.neuron_api import symbols

    known = symbols.MECHANISM_RECORDS
    symbols.MECHANISM_RECORDS = replace(known, name="none_of_this_name")
made, ecs = cells(), box()
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
n.finitialize(-65)
assert BACKEND == "neuron" or all(n.ion_style("k_ion", sec=sec) == 119 for sec in made.values())
steps(50)
save(k=np.array(k[ecs].states3d), segments=of_segments(made, "ko", "v", "ek"))
