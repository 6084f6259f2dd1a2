"""Reactions across the membrane: NEURON runs them at the segments, between its own species and mirrors of voxels."""

from __future__ import annotations

from ecsmpi.rxd.both_sides import BothSides, is_half, within
from ecsmpi.rxd.intracellular import names_extracellular
from ecsmpi.rxd.missing import RxDException, StandIn
from ecsmpi.rxd.mirror import mirror_of
from ecsmpi.rxd.restriction import SpeciesOnExtracellular
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.species import Species
from ecsmpi.rxd.trees import leaves, replaced

from neuron import rxd as neuron_rxd  # isort: skip  (session has started MPI)
from neuron.rxd import rxdmath  # isort: skip
from neuron.rxd.species import Species as InsideSpecies, SpeciesOnRegion as InsidePart  # isort: skip
from neuron.rxd.generalizedReaction import (  # isort: skip
    get_scheme_rate1_rate2_regions_custom_dynamics_mass_action as read_arguments,
)


def sections_changed(args: tuple, kwargs: dict) -> list | None:
    """The sections on which a rate or reaction changes something inside cells alone, or None: its first argument says what."""
    changed = leaves(args[0] if args else kwargs.get("species", kwargs.get("scheme")))
    if not changed or not all(isinstance(leaf, (InsideSpecies, InsidePart)) for leaf in changed):
        return None
    regions = [leaf._region()] if isinstance(leaf := changed[0], InsidePart) else leaf._regions
    return list(dict.fromkeys(sec for region in regions for sec in region.secs))


def beside_voxels(original, sections: list, args: tuple, kwargs: dict):
    """NEURON's rate or reaction inside cells, which reads the voxels that these lie in: NEURON's own cannot."""
    mirrors = []

    def inside(leaf):
        if not isinstance(leaf, SpeciesOnExtracellular):
            return within(leaf)
        mirrors.append(mirror_of(leaf, sections))
        return mirrors[-1].part

    made = original(*(replaced(one, inside) for one in args), **{name: replaced(one, inside) for name, one in kwargs.items()})
    made._mirrors = mirrors  # as long as it is there
    return made


class MultiCompartmentReaction(StandIn):
    """A reaction between regions that a membrane separates, of which some may be extracellular, per area of the membrane.

    As in NEURON: a scheme of species[region], rates in molecules/(um2 ms), or in molecules/ms with scale_by_area=False;
    membrane (or border): the membrane's region, on whose sections it runs; membrane_flux: it carries a current, which
    enters the cell once. What it takes from a voxel and brings to it is summed over the voxel's segments. Where nothing is
    extracellular, it is NEURON's own. Raises RxDException naming the argument.
    """

    original = "MultiCompartmentReaction"

    def __new__(cls, *arguments, **named):
        if not names_extracellular(arguments, named) and not _carries_of_both_sides(arguments, named):
            return neuron_rxd.MultiCompartmentReaction(*arguments, **named)
        return super().__new__(cls)

    def __init__(self, *arguments, **named):
        membrane = named.get("membrane") or named.get("border")
        if not isinstance(membrane, neuron_rxd.Region):
            raise RxDException(f"a reaction across the membrane needs membrane=..., a region of the cells, got {membrane!r}")
        self._sections, self._mirrors = list(membrane.secs), []
        scheme, forward, backward = read_arguments(arguments, named)[:3]
        self.carried = _ions(scheme) if named.get("membrane_flux") else set()
        self._reaction = neuron_rxd.MultiCompartmentReaction(*map(self._mirrored, (scheme, forward, backward)), **named)
        simulation.crossings.add_reaction(self)

    def _mirrored(self, tree):
        return replaced(tree, self._mirror)

    def _mirror(self, leaf):
        if isinstance(leaf, (Species, BothSides)):
            if len(leaf.regions) != 1:
                raise RxDException(f"say which region of {leaf} the reaction is in: {leaf}[region]")
            leaf = leaf[leaf.regions[0]]
        if not isinstance(leaf, SpeciesOnExtracellular):
            return leaf
        mirror = mirror_of(leaf, self._sections)
        self._mirrors.append(mirror)
        return mirror.part

    @property
    def f_rate(self):
        """The forward rate."""
        return self._reaction.f_rate

    @f_rate.setter
    def f_rate(self, rate) -> None:
        self._reaction.f_rate = self._mirrored(rate)

    @property
    def b_rate(self):
        """The backward rate."""
        return self._reaction.b_rate

    @b_rate.setter
    def b_rate(self, rate) -> None:
        self._reaction.b_rate = self._mirrored(rate)

    def __repr__(self):
        return repr(self._reaction)


def _ions(scheme: rxdmath._Reaction) -> set[str]:
    """Names of the charged species of a scheme that are in the extracellular space, be it elsewhere than in the scheme."""
    outside = (leaf.species for leaf in leaves(scheme) if isinstance(leaf, SpeciesOnExtracellular))
    halves = (leaf._species() for leaf in leaves(scheme) if is_half(leaf))
    return {species.name for species in (*outside, *halves) if species.name and species.charge}


def _carries_of_both_sides(arguments, named) -> bool:
    """Whether a reaction inside the cell carries a current of an ion that is outside, too: no voxel gets that current."""
    return bool(named.get("membrane_flux")) and any(is_half(leaf) for one in arguments for leaf in leaves(one))
