"""What scripts do with rxd beyond its documented names; potassium in cells and outside."""

from support.model import box, cells, message_of, n, run_case, rxd, save, steps


def initial(node):
    """Return the first concentration of potassium (mM)."""
    return 140 if isinstance(node, rxd.node.Node1D) else 3 + node.x3d / 100


def initial_of_other(node):
    """Return the first concentration of the other species (mM)."""
    return 1 if isinstance(node, rxd.node.NodeExtracellular) else 2


ecs = box()
made = cells(apart=10)
cyt = rxd.Region(made.values(), name="cyt", nrn_region="i")
mem = rxd.Region(made.values(), name="mem", geometry=rxd.membrane())
k = rxd.Species([cyt, mem, ecs], name="k", d=2, charge=1, initial=initial)
other = rxd.Species([cyt], initial=initial_of_other)
n.finitialize(-65)


def classes_of_nodes():
    outside = [isinstance(node, rxd.node.NodeExtracellular) for node in k[ecs].nodes]
    inside = [isinstance(node, rxd.node.Node1D) for node in k[cyt].nodes]
    assert all(outside) and all(inside)
    assert not any(isinstance(node, rxd.node.Node1D) for node in k[ecs].nodes)
    steps(3)
    save(k=k[ecs].states3d)


def nodes_of_both_sides():
    saved = k.nodes.concentration
    inside = len(k[cyt].nodes) + len(k[mem].nodes)
    assert saved.shape == (len(k.nodes),)
    assert (saved[: len(k[cyt].nodes)] == 140).all()
    assert (saved[inside:] == k[ecs].nodes.value).all()
    assert len(saved) - inside == 15 * 11 * 12
    if inside:
        assert k.nodes[0].value == 140
    assert k.nodes[inside] == k[ecs].nodes[0]
    assert k.nodes[-1] == k[ecs].nodes[-1]
    said = message_of(rxd.RxDException, setattr, k.nodes, "value", [1.0, 2.0])
    assert "one for each of" in said, said
    k.nodes.value = 7
    assert (k.nodes.value == 7).all()
    k.nodes.concentration = list(saved)
    assert (k.nodes.value == saved).all()
    assert (k[ecs].nodes.value == saved[inside:]).all()


def list_of_all_species():
    global k
    parameter = rxd.Parameter(ecs, value=1)
    assert [reference() for reference in rxd.species._all_species] == [k, parameter, other]
    assert rxd.all_species() == [k, parameter]
    del k
    assert [reference() for reference in rxd.species._all_species] == [parameter, other]


if __name__ == "__main__":
    run_case(globals())
