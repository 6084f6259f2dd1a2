"""The one simulation of this process, driven by NEURON; made when ecsmpi.rxd is imported."""

from ecsmpi import launch
from ecsmpi.simulation import Simulation  # starts MPI before NEURON is imported

from ecsmpi.hooks import Hooks  # isort: skip

simulation = Simulation(launch.start())
_hooks = Hooks(simulation)
