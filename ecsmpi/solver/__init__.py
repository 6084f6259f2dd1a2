"""One step of a box: diffusion, and what crosses ranks for it. No NEURON here."""
