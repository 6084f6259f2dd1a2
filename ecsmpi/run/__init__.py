"""A run, from what a script has described to its end.

registry        what the script has described
planner         makes a frozen Plan of it at n.finitialize
simulation      owns the parts of a run, and carries out the plan's steps
neuron_hooks    lets NEURON drive the simulation
reading         what the script reads and sets of the concentrations
observers       files, progress and diagnostics
run_supervisor  health checks, checkpoints and restarts beside the steps
checkpoint      what a checkpoint holds, and how a run becomes one
"""
