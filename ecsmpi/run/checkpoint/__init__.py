"""When checkpoints are due, what they hold, and how a run becomes what one holds."""
