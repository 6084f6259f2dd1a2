"""NEURON's side: segments, their ions and fluxes as arrays, and the state of cells as bytes."""
