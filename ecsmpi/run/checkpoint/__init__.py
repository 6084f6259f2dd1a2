"""Checkpoints of a run: when they are due, what they hold, and how a run becomes what one holds.

schedule             when a checkpoint is due, and where checkpoints go
walltime             when a run must end early: signals, and the time its job has
run_state            the parts of a run that capture and restore need
capture              run -> checkpoint
restore              checkpoint -> run
cell_restore         checkpoint -> NEURON's cells
fields_in_savestate  no checkpoint: the fields in the SaveState of a script that calls it itself
"""
