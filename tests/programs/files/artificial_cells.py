"""Artificial cells go on by their gids: `artificial_cells.py OUTPUT FOLDER`, on one rank.

OUTPUT has what differs; FOLDER is for the checkpoints.
"""

from pathlib import Path
import sys

import numpy as np

from support.forged import forge
from support.ring import cells, final, gids, n, pc, rank, rxd, spikes

out, folder = sys.argv[1], Path(sys.argv[2])
made, links = {}, []
for gid in range(20, 24):
    cell = made[gid] = n.NetStim() if gid % 2 else n.IntFire1()
    if gid % 2:
        cell.start, cell.interval, cell.number = 0.3, 0.4, 100
    else:
        cell.tau, cell.refrac = 5, 0.5
    pc.set_gid2node(gid, rank)
    links.append(n.NetCon(cell, None))
    pc.cell(gid, links[-1])
for source, target, weight in (
    (21, made[20], 0.6),
    (23, made[22], 0.6),
    (23, made[20], 0.6),
    (21, cells[3].synapse, 0.01),
):
    link = pc.gid_connect(source, target)
    link.delay, link.weight[0] = 0.7, weight
    links.append(link)

pc.spike_record(-1, spikes, gids)
rxd.Checkpoint(
    folder / "good", every="60 steps", keep=9, vectors={"spikes": spikes, "gids": gids}
)
n.finitialize(-65)
pc.psolve(1.51)
good = next((folder / "good").iterdir())
pc.psolve(5)
expected = final()
rxd.Checkpoint(folder / "not", vectors={"spikes": spikes, "gids": gids})
rxd.restart(forge(good, folder / "moved", about={"cells": ["of other ranks"]}))
n.finitialize(-65)
began = n.t
pc.psolve(5)
found = final()
np.savez(
    out,
    began=began,
    spikes=expected["spikes"],
    differ=[name for name in expected if not np.array_equal(found[name], expected[name])],
)
