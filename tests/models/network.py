"""Spiking cells meet in the extracellular space.

ko and nao move the reversal potentials, and these move the spikes.

Eight cells with hh, coupled by synapses in a ring over the ranks, in a box so small that
concentrations move.
"""

from harness import my_cells, n, pc, psolve_to, run, rxd, stick

CELLS = 8

cells, parts = {}, []
for i in my_cells(CELLS):
    x, y, z = 12 + 9 * i, 20 + 37 * (i % 3), 15 + 23 * (i % 4)
    soma = stick(i, (x, y, z), (x + 11, y, z), diam=11, nseg=3)
    dendrite = stick(i + 100, (x + 11, y, z), (x + 15, y + 12, z + 9), diam=2, nseg=5)
    dendrite.connect(soma(1))
    soma.insert("hh")
    dendrite.insert("hh")
    cells[i] = [soma, dendrite]

    clamp = n.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0.1 + 0.2 * i, 2, 0.5
    parts.append(clamp)
    pc.set_gid2node(i, pc.id())
    pc.cell(i, n.NetCon(soma(0.5)._ref_v, None, sec=soma))

for i, (_soma, dendrite) in cells.items():
    synapse = n.ExpSyn(dendrite(0.7))
    link = pc.gid_connect((i - 1) % CELLS, synapse)
    link.delay, link.weight[0] = 0.5, 0.02
    parts += [synapse, link]

ecs = rxd.Extracellular(
    0, 0, 0, 100, 120, 110, dx=(12.5, 10, 11), volume_fraction=0.05, tortuosity=1.6
)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 4 if node.x3d < 50 else 3)
na = rxd.Species(ecs, d=1.78, name="na", charge=1)  # begins at NEURON's default

pc.set_maxstep(10)
run(0.025, {"k": k[ecs], "na": na[ecs]}, cells, ("ko", "nao", "ek", "v"), psolve_to)
