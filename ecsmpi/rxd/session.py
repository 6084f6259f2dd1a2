"""The one simulation of this process, driven by NEURON; made when ecsmpi.rxd is imported."""

from ecsmpi.ranks import launch
from ecsmpi.run.simulation import Simulation  # starts MPI before NEURON is imported

from ecsmpi.run.hooks import Hooks  # isort: skip

simulation = Simulation(launch.start())
_hooks = Hooks(simulation)
