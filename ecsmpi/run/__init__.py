"""A run from its start to its end: the simulation and its steps, what watches them, restarts."""
