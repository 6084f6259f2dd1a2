"""MPI and NEURON started on the same ranks, and ended together."""
