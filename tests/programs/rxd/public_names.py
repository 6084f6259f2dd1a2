"""How ecsmpi's objects behave where a public name of NEURON's is asked for, as JSON."""

import json

from neuron import rxd as original

from support.model import box, rxd

ecs = box()
k = rxd.Species(ecs, d=2, name="k", charge=1, initial=3)
parameter, state = rxd.Parameter(ecs, value=1), rxd.State(ecs, initial=1)
OBJECTS = {
    "rxd": (rxd, original),
    "Extracellular": (ecs, original.Extracellular),
    "Species": (k, original.Species),
    "Parameter": (parameter, original.Parameter),
    "State": (state, original.State),
    "SpeciesOnExtracellular": (k[ecs], original.species.SpeciesOnExtracellular),
    "NodeExtracellular": (k.nodes[0], original.node.NodeExtracellular),
    "NodeList": (k.nodes[:1], original.nodelist.NodeList),
    "Rate": (rxd.Rate(k, 1), original.Rate),
    "Reaction": (rxd.Reaction(k, state, 1, 2), original.Reaction),
    "options": (rxd.options, original.options),
}


def behaviour(ours, theirs, name):
    """Return "refused", "NEURON's" or "ours"."""
    try:
        found = getattr(ours, name)
    except rxd.MissingFeature:
        return "refused"
    if theirs is original and found is getattr(theirs, name):
        return "NEURON's"
    return "ours"


answer = {}
for section, (ours, theirs) in OBJECTS.items():
    public = [name for name in dir(theirs) if not name.startswith("_")]
    answer[section] = {name: behaviour(ours, theirs, name) for name in public}
print(json.dumps(answer))
