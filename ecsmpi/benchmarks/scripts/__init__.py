"""Scripts that the comparisons start, with NEURON or with ecsmpi: only the import differs."""
