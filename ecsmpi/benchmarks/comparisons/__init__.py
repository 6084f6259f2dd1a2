"""Measurements that start processes of their own and compare them.

launches.py         start a process, with or without mpirun, and read what it printed
in_turn.py          processes that take turns on one machine
against_neuron.py   the same scripts with NEURON and with ecsmpi
targets.py          rows of such a comparison: measured values beside what is aimed at
brain_slice.py      the slice of scripts/models with NEURON and with ecsmpi
beside_peers.py     a step of ecsmpi beside steps of other solvers
limited.py          processes that may fail, or take too long
start.py            the first start of a script and later ones
"""
