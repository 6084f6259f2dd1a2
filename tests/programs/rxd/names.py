"""What names may be, and what is said of mistyped ones: `names.py OUTPUT`.

Its asserts hold on every rank.
"""

import inspect
import sys
import warnings

from ecsmpi import rxd
from neuron import n
import numpy as np

pc = n.ParallelContext()
rank, last = int(pc.id()), int(pc.nhost()) - 1


def said(set_it):
    """The exception of what must fail."""
    try:
        set_it()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


cells = []
if rank == last:
    cells.append(n.Section(name="cell"))
    cells[0].pt3dadd(-8, 0, 0, 6)
    cells[0].pt3dadd(8, 3, 2, 6)
    cells[0].insert("hh")
ecs = rxd.Extracellular(-20, -15, -15, 20, 15, 15, dx=10)
k = rxd.Species(ecs, name="k", charge=1, initial=3)
a = rxd.State(ecs, initial=1)
cyt = rxd.Region(cells, name="cyt", nrn_region="i")
both = rxd.Species([cyt, ecs], initial=1)
membrane = rxd.Region(cells, name="membrane", geometry=rxd.membrane())
across = rxd.MultiCompartmentReaction(
    both[cyt], both[ecs], 1, membrane=membrane, mass_action=False
)

# attributes that no class has
mistyped = {
    "inital": (k, "initial"),
    "nam": (a, "name"),
    "vlue": (rxd.Parameter(ecs, value=1), "value"),
    "tortousity": (ecs, "tortuosity"),
    "Alpha": (ecs, "alpha"),
    "concentraton": (k[ecs], "concentration"),
    "vaule": (k.nodes[0], "value"),
    "valu": (k.nodes, "value"),
    "f_rat": (rxd.Reaction(k, a, 1), "f_rate"),
    "b_rat": (across, "b_rate"),
    "charg": (both, "charge"),
    "values": (both.nodes, "value"),
    "f_rates": (rxd.Reaction(both, rxd.Species([cyt, ecs], initial=1), 1), "f_rate"),
    "evry": (rxd.Output("o.h5", every=1, attach=False), "every"),
    "nmae": (rxd.Diagnostics(k, every=1, attach=False), "name"),
    "pth": (rxd.SegmentReport("r.h5", attach=False), "path"),
    "paht": (rxd.Spikes("s.h5", attach=False), "path"),
    "reproducable": (rxd.options, "reproducible"),
    "extracelular": (rxd.options.enable, "extracellular"),
}
for name, (owner, meant) in mistyped.items():
    error = said(lambda: setattr(owner, name, 2))
    assert isinstance(error, AttributeError) and isinstance(error, rxd.RxDException), (
        name,
        error,
    )
    assert f"no attribute {name!r}" in str(error) and f"did you mean {meant!r}?" in str(
        error
    ), error
assert "a script can set none of its attributes" in str(
    said(lambda: setattr(rxd.Rate(k, 1), "quick", 1))
)
assert "a script can set charge, d, initial" in str(said(lambda: setattr(k, "colour", "red")))
assert isinstance(said(lambda: setattr(rxd.Field(k), "evry", 1)), AttributeError)
k._colour, ecs._colour, k.initial, ecs.alpha = "red", "green", 4, 0.3
assert (k._colour, ecs._colour, k.initial, ecs.alpha) == ("red", "green", 4, 0.3)


class Own(rxd.Species):
    """A script's own kind of species."""


own = Own(ecs, initial=1)
own.colour = "blue"

# what completion and help show
shown = dir(rxd)
assert set(shown) == set(rxd.__all__)
assert not any(name.startswith("_") for name in shown)
assert all(hasattr(rxd, name) for name in shown)
assert {
    "Species",
    "Region",
    "rxdmath",
    "Output",
    "nthread",
} <= set(shown)
assert not {"os", "sys", "Path", "kernels", "whole", "OWN"} & set(shown)
exported = {}
exec("from ecsmpi.rxd import *", exported)
assert set(shown) <= set(exported)
arguments = {
    kind: list(inspect.signature(getattr(rxd, kind)).parameters)
    for kind in ("Species", "Parameter", "Rate", "Reaction")
}
assert arguments["Species"][:5] == ["regions", "d", "name", "charge", "initial"]
assert arguments["Parameter"][-1] == "value"
assert arguments["Rate"] == ["species", "rate", "regions", "membrane_flux", "where"]
assert "mass_action" in arguments["Reaction"]
for kind in (getattr(rxd, name) for name in shown):
    if not inspect.isclass(kind) or not kind.__module__.startswith("ecsmpi."):
        continue
    assert kind.__doc__, kind
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        if not name.startswith("_") and (callable(member) or isinstance(member, property)):
            assert inspect.getdoc(member), f"{kind.__name__}.{name} has no docstring"
for kind in (rxd.Output, rxd.Progress, rxd.Diagnostics, rxd.SegmentReport, rxd.Spikes):
    assert "attach" in inspect.signature(kind).parameters
    assert "Parameters\n" in inspect.getdoc(kind)
for hidden in ("include_flux", "values_at", "original", "settable", "hidden"):
    assert hidden not in dir(k[ecs]), hidden
for hidden in ("key", "spec", "tissue_on"):
    assert hidden not in dir(k) and hasattr(k, hidden), hidden
output = rxd.Output("unwritten.h5", every=1, attach=False)
assert [name for name in dir(output) if name[0] != "_"] == ["close", "every", "path", "paths"]
assert "include_flux" in dir(k.nodes)
assert repr(ecs).startswith(
    "Extracellular(xlo=-20, ylo=-15, zlo=-15, xhi=20, yhi=15, zhi=15, dx=(10, 10, 10), "
), repr(ecs)

# lists of nodes, on either side of the membrane
kinds = {
    "inside": both._within.nodes,
    "outside": k.nodes,
    "both": both.nodes,
    "some": k.nodes[:2],
}
assert all(isinstance(nodes, rxd.nodelist.NodeList) for nodes in kinds.values())
for nodes in (kinds["inside"], list(kinds["inside"]), kinds["outside"], list(kinds["some"])):
    made = rxd.nodelist.NodeList(nodes)
    assert len(made) == len(nodes)
    assert list(made) == list(nodes)
    assert isinstance(made, rxd.nodelist.NodeList)
if cells:
    assert isinstance(
        said(lambda: rxd.nodelist.NodeList([k.nodes[0], kinds["inside"][0]])), TypeError
    )

# regions that come later
later = rxd.Species(regions=None, name="later", initial=2)
assert later.regions == []
assert len(later.nodes) == 0
assert later not in rxd.all_species()
assert "say" not in str(said(lambda: setattr(later, "regions", cyt)))
assert "made" in str(said(lambda: setattr(later, "regions", cyt)))
assert "different regions" in str(said(lambda: setattr(later, "regions", [ecs, ecs])))
assert "shape (3,)" in str(said(lambda: rxd.Rate(k, np.ones(3))))
made_before = rxd.Rate(later, 1)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    nowhere = rxd.Rate(k, 1, regions=[])
    nowhere_else = rxd.Rate(both, 1, regions=[])
told = [(str(one.message), one.filename) for one in caught]
assert len(told) == (2 if rank == 0 else 0), told
assert all("acts nowhere" in text and "names.py" in place for text, place in told), told
del nowhere_else

# two observers of one file
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        output = rxd.Output("same.h5", every=1)
told = [(str(one.message), one.filename) for one in caught]
assert [
    place.endswith("names.py") and "takes the place of" in text for text, place in told
] == [True]
output.close()

# names that NEURON cannot have
kappa = rxd.Species(ecs, name="κ naïve", initial=2)
letters = rxd.Species(ecs, name="Ça", initial=2)
assert "ASCII" in str(said(lambda: rxd.Species(ecs, name="κ", charge=1)))
assert "ASCII" in str(said(lambda: setattr(k, "name", "κ")))
becomes = rxd.Reaction(kappa, letters, 0.1)
output = rxd.Output(sys.argv[1] + ".h5", every=n.dt)
report = rxd.Diagnostics(letters, every=n.dt, output=output)

# names that NEURON has in other letters
upper, meant = (
    rxd.Species(ecs, name="K", charge=1, initial=3),
    rxd.Species(ecs, name="NA", charge=1, initial=140),
)
found = []
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    k.name, k.charge = "other", 0
    n.finitialize(-65)
    n.finitialize(-65)
found = [str(one.message) for one in caught if "no mechanism" in str(one.message)]
expected = [
    f"no mechanism uses {name}, the name of an extracellular species; did you mean {ion}?"
    for name, ion in (("K", "k"), ("NA", "na"))
]
assert found == (expected if rank == 0 else []), found
later.regions = ecs
k.name, k.charge = "k", 1
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    n.finitialize(-65)
assert [str(one.message) for one in caught if "no mechanism uses K" in str(one.message)] == []
n.fadvance()
assert np.allclose(later[ecs].states3d, 2 + n.dt)
assert np.allclose(kappa[ecs].states3d + letters[ecs].states3d, 4)
if rank == 0:
    np.savez(sys.argv[1], kappa=np.array(kappa[ecs].states3d) if pc.nhost() == 1 else 0)
