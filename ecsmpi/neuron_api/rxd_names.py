"""Classes and functions of neuron.rxd that ecsmpi builds on, under plain names.

Only this module imports from neuron.rxd. The other modules of this package use private attributes
of these classes and modules, such as ``species._all_species``; `symbols` lists each of them.
"""

from ecsmpi.neuron_api.interpreter import neuron_rxd

# isort: split
from neuron.rxd import initializer, node, rxdmath, section1d, species
from neuron.rxd import rxd as registry
from neuron.rxd.constants import molecules_per_mM_um3
from neuron.rxd.generalizedReaction import (
    get_scheme_rate1_rate2_regions_custom_dynamics_mass_action as read_arguments,
)
from neuron.rxd.node import Node as NodeInside
from neuron.rxd.node import Node1D, Node3D
from neuron.rxd.nodelist import NodeList as NodeListInside
from neuron.rxd.rangevar import RangeVar
from neuron.rxd.rxdException import RxDException
from neuron.rxd.species import Species as InsideSpecies
from neuron.rxd.species import SpeciesOnRegion as InsidePart
from neuron.rxd.species import _SpeciesMathable as SpeciesMathable
