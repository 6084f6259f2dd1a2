"""Files that a run writes and reads again: frames, tables, reports of cells, checkpoints."""
