"""The gate to NEURON: its import after MPI, its memory, its callbacks, its state, its private
names.
"""
