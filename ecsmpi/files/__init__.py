"""What is written and read again: frames, tables, checkpoints."""
