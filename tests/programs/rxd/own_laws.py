"""Cells that have regions, species and reactions of their own, made in a loop as scripts do."""

import functools

from ecsmpi.rxd.session import simulation

from support.model import box, message_of, n, of_segments, run_case, rxd, save, steps
from support.transmembrane import quiet_cells

m = rxd.rxdmath


def reactions(cyt, membrane, species, ecs, kinds="gkp", odd=False):
    """A gate, a channel and a pump of cells, in an order that may be another one."""
    k, na = species
    ki, ko, nai, nao = k[cyt], k[ecs], na[cyt], na[ecs]
    gate = rxd.State(membrane, initial=0.3)
    pump = 9 * nai / (5 + nai) * ko
    if odd:
        pump = 0.5 * pump
    across = functools.partial(
        rxd.MultiCompartmentReaction, membrane=membrane, mass_action=False, membrane_flux=True
    )
    kept = [gate]
    for kind in kinds:
        if kind == "g":
            kept.append(
                rxd.Rate(gate, 0.3 * m.exp(-(rxd.v + 57) / 40) * (1 - gate) - 0.1 * gate)
            )
        elif kind == "k":
            kept.append(across(ki, ko, 40 * gate[membrane] * m.log(ki / ko)))
        else:
            kept += [across(3 * nai, 3 * nao, pump), across(2 * ko, 2 * ki, pump)]
    return kept


def build(groups, **options):
    """Reactions of groups of sections, each group with regions of its own."""
    ecs = box()
    parts = []
    for number, sections in enumerate(groups):
        cyt = rxd.Region(sections, name=f"cyt{number}", nrn_region="i")
        membrane = rxd.Region(sections, name=f"membrane{number}", geometry=rxd.membrane())
        parts.append((cyt, membrane))
    cytosols = [cyt for cyt, _ in parts]
    species = [
        rxd.Species([*cytosols, ecs], name=name, charge=1, d=d, initial=at)
        for name, d, at in (
            ("k", 2.6, lambda node: 3.5 if node.region is ecs else 140),
            ("na", 1.8, lambda node: 144 if node.region is ecs else 18),
        )
    ]
    kept = [species, parts, ecs]
    for number, (cyt, membrane) in enumerate(parts):
        own = {name: values[number] for name, values in options.items()}
        kept.append(reactions(cyt, membrane, species, ecs, **own))
    return kept


def laws_now():
    """How many laws ecsmpi computes."""

    return len(simulation.membrane_reactions.now._terms)


def outcome(made, kept, counting=""):
    n.finitialize(-65)
    steps(30)
    (k, na), _, ecs, *_ = kept
    counted = {"laws": laws_now()} if counting else {}
    save(
        **counted,
        segments=of_segments(made, "ki", "nai", "ko", "nao", "ik", "ina", "v"),
        k=k[ecs].states3d,
        na=na[ecs].states3d,
    )


def together(counting=""):
    """All cells in one region."""
    made = quiet_cells(range(7), apart=11)
    outcome(made, build([list(made.values())]), counting)


def apart(counting=""):
    """The same cells, each with regions of its own."""
    made = quiet_cells(range(7), apart=11)
    outcome(made, build([[sec] for sec in made.values()]), counting)


def some_differ(counting=""):
    """Two cells have another pump, one has its reactions in another order."""
    made = quiet_cells(range(7), apart=11)
    numbers = list(made)
    outcome(
        made,
        build(
            [[sec] for sec in made.values()],
            odd=[number in (2, 5) for number in numbers],
            kinds=["pkg" if number in (3, 5) else "gkp" for number in numbers],
        ),
        counting,
    )


def twice_the_same():
    """Each cell has its pump twice."""
    made = quiet_cells(range(4), apart=11)
    outcome(made, build([[sec] for sec in made.values()], kinds=["gkpp"] * len(made)))


def names_of_the_cell():
    """A message names the reaction and the regions of the cell in which something is wrong."""
    made = quiet_cells(range(3), apart=11)

    kept = build([[sec] for sec in made.values()])
    n.finitialize(-65)
    (k, _), parts, _, *_ = kept
    k[parts[2][0]].nodes[1].concentration = -1.0
    advance = simulation.membrane_reactions.now.advance
    said = message_of(ArithmeticError, lambda: advance(n.dt))
    assert "at cell2(0.5)" in said and "k in cyt2 = -1 mM" in said, said
    assert "cyt0" not in said and "cyt2" in said.split(":")[0], said


if __name__ == "__main__":
    run_case(globals())
