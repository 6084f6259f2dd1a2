"""The one simulation of this process, driven by NEURON; made when ecsmpi.rxd is imported."""

from ecsmpi.neuron_api.interpreter import comm
from ecsmpi.run.neuron_guard import NeuronGuard
from ecsmpi.run.neuron_hooks import NeuronHooks
from ecsmpi.run.simulation import Simulation

_guard = NeuronGuard(comm)
simulation = Simulation(comm, _guard)
_hooks = NeuronHooks(simulation, _guard)
