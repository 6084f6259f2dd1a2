"""NEURON's own state of the cells as bytes: written, read, and checked before NEURON reads it."""
