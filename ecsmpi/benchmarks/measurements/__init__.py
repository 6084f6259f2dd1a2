"""Measurements on the ranks of this launch.

box.py          time steps of a box with cells in it
exchange.py     the exchange of currents and concentrations between ranks
read_gate.py    what it costs that any rank may read concentrations at any time
memory.py       resident memory of all ranks
bandwidth.py    the bandwidth of a plain copy
"""
