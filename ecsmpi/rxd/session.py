"""The one simulation of this process, driven by NEURON; made when ecsmpi.rxd is imported."""

from ecsmpi.neuron_api.interpreter import comm
from ecsmpi.run.neuron_hooks import Hooks
from ecsmpi.run.simulation import Simulation

simulation = Simulation(comm)
_hooks = Hooks(simulation)
