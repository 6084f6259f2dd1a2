"""What becomes of expressions (a list in JSON), as JSON; then the model runs."""

import json
import sys

from ecsmpi import rxd
from neuron import n
from neuron import rxd as neuron_rxd  # noqa: F401  the expressions use it

n.load_file("stdrun.hoc")
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, 10, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
sec = n.Section(name="cell")
sec.pt3dadd(0, 0, 0, 5)
sec.pt3dadd(0, 0, 20, 5)
sec.insert("hh")
found = {}
for expression in json.loads(sys.argv[1]):
    try:
        eval(expression)
        found[expression] = ["nothing", ""]
    except Exception as error:
        found[expression] = [type(error).__name__, str(error)]
assert rxd.all_species() == [k]
n.finitialize(-65)
print(json.dumps(found))
