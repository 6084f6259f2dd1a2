"""Advance the cases of steps.py on ranks: `advance.py RESULT CASES`.

The pickled CASES are advanced; of each, RESULT has
NAME: (ions, nx, ny, nz) mM of the whole box; "NAME entries": (ions, entries) mM, entry e being held
by rank e % ranks; "NAME joined": how the slabs' lines were joined in the last step.
"""

import pickle
import sys

from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec
from ecsmpi.solver.exchange import plan_exchange
from ecsmpi.solver.slab_field import SlabField
from ecsmpi.solver.stepper import Stepper
from ecsmpi.solver.tissue import SlabTissue
from mpi4py import MPI
import numpy as np

comm = MPI.COMM_WORLD


def planned(case):
    """Stepper, exchange and fields of a case, this rank holding its share of the entries."""
    box, slabs = (
        Box((0.0, 0.0, 0.0), case.spacing, case.shape),
        Slabs(case.shape[0], comm.size, case.grain),
    )
    faces = case.faces or (None,) * len(case.d)
    ions = [
        SpeciesSpec(f"ion{f}", d, 1, wall, faces=face)
        for f, (d, wall, face) in enumerate(zip(case.d, case.walls, faces))
    ]
    fields = [SlabField(box, slabs.planes(comm.rank)) for _ in ions]
    for field, initial in zip(fields, case.initial):
        field.owned[:] = initial[slice(*field.planes)]
    tissue = SlabTissue(box, slabs.planes(comm.rank), case.tissue)
    voxels = case.voxels[comm.rank :: comm.size]
    exchange = plan_exchange(comm, slabs, box.plane, voxels, len(ions))
    stepper = Stepper(comm, box, [tissue] * len(ions), ions, fields, exchange)
    return stepper, exchange, fields, tissue


def advance(case):
    """Take the steps; name -> array on rank 0, nothing elsewhere."""
    stepper, exchange, fields, tissue = planned(case)
    amounts = np.ascontiguousarray(case.amounts[:, comm.rank :: comm.size])
    at, ones, t = np.arange(amounts.shape[1], dtype=np.uint32), np.ones(amounts.shape[1]), 0.0
    for step, dt in enumerate(case.dts):
        t += dt
        if step in dict(case.changes):
            tissue.change(dict(case.changes)[step])
        if step in dict(case.added):
            for field, amount in zip(fields, dict(case.added)[step]):
                field.owned += amount[slice(*field.planes)]
        for f, values in enumerate(amounts):
            exchange.add_sources(f, values, at, ones, dt)
        stepper.advance(dt, t)
    at_entries = np.full_like(amounts, np.nan)
    for f, values in enumerate(at_entries):
        exchange.scatter_values(f, values, at)
    joined = stepper.report(case.dts[-1])
    whole = [np.concatenate(comm.allgather(field.owned)) for field in fields]
    shares = comm.gather(at_entries)
    stepper.free()
    exchange.free()
    if comm.rank != 0:
        return {}
    entries = np.empty((len(fields), case.voxels.size))
    for rank, share in enumerate(shares):
        entries[:, rank :: comm.size] = share
    return {"": np.array(whole), " entries": entries, " joined": np.array(joined, dtype=str)}


if __name__ == "__main__":
    with open(sys.argv[2], "rb") as file:
        cases = pickle.load(file)
    saved = {each.name + key: array for each in cases for key, array in advance(each).items()}
    if comm.rank == 0:
        np.savez(sys.argv[1], **saved)
