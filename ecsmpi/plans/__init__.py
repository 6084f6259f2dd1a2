"""What a run will cost: the model of a step, fitted to measurements."""
