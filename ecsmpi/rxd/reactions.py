"""Rates and reactions of extracellular species; those inside cells alone are NEURON's own."""

from __future__ import annotations

from typing import Any

from ecsmpi.neuron_api.expressions import direction_of, sides_of
from ecsmpi.neuron_api.rxd_names import read_arguments
from ecsmpi.rxd.argument_types import Concentrations, Expression, Regions
from ecsmpi.rxd.errors import RxDException, missing
from ecsmpi.rxd.extracellular import Extracellular
from ecsmpi.rxd.region_arguments import is_empty_list, warn_of_empty_list
from ecsmpi.rxd.schemes import changes_and_rate, forward_and_backward, is_custom
from ecsmpi.rxd.signatures import shows_arguments, shows_arguments_of
from ecsmpi.rxd.species import Species
from ecsmpi.rxd.species_arithmetic import rate_expression
from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular
from ecsmpi.rxd.transmembrane_species import TransmembraneSpecies, without
from ecsmpi.rxd.voxel_reactions import ChangesAndRate, VoxelReaction, regions_of, species_of

# NEURON's Reaction takes these arguments, too, and has no use for them.
MEMBRANE_ARGUMENTS = {"membrane", "membrane_flux", "scale_by_area"}


@shows_arguments
class Rate(VoxelReaction):
    """A contribution to the rate of change of a species: d species / dt = rate (mM/ms).

    Several rates of a species add up. Make it on every rank; ``del rate`` ends it. With a species
    inside cells alone it is NEURON's own Rate.

    Parameters
    ----------
    species
        A species, or a species in one region: ``species[region]``.
    rate
        The rate (mM/ms): an expression of species (mM), parameters, numbers and functions of
        ``rxd.rxdmath``. Of a State or a Parameter: in its own unit per ms.
    regions
        Where it acts; None: wherever the species is.
    membrane_flux
        Whether the rate charges the membrane: inside cells only.
    where
        In which voxels it acts: an array of the box's shape, a function of a node or a Parameter,
        dimensionless. The voxels count whose value is not 0. Evaluated at n.finitialize.

    Raises
    ------
    RxDException
        For a wrong argument, or a species that is not in one of the regions.
    MissingFeature
        For ``membrane_flux=True``, or a voltage in the rate, in the extracellular space.
    ValueError
        For a number that is not finite.

    Examples
    --------
    Uptake that saturates, and only where x > 0:

    >>> uptake = rxd.Rate(k, -0.01 * k / (k + 2), where=lambda node: node.x3d > 0)
    >>> n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    """

    original = "Rate"

    def __init__(
        self,
        species: Species | SpeciesOnExtracellular | TransmembraneSpecies,
        rate: Expression,
        regions: Regions = None,
        membrane_flux: bool = False,
        where: Concentrations | Species | None = None,
    ):
        species = without(species)
        if membrane_flux:
            raise missing("membrane_flux of a Rate in the extracellular space")
        if not isinstance(species, (Species, SpeciesOnExtracellular)):
            raise RxDException(
                "this Rate is that of an extracellular species or of species[region], "
                f"got {species!r}"
            )
        self._expression = rate_expression(without(rate))
        self._species = species_of(species)._held  # weakly: a rate ends with its species
        if regions is None and isinstance(species, SpeciesOnExtracellular):
            regions = [species.region]
        self._register(regions, without(where))
        if is_empty_list(regions):
            warn_of_empty_list(f"{self}", frames=1)

    def _all_regions(self) -> list[Extracellular]:
        return regions_of(self._species())

    def _changes_and_rate(self) -> ChangesAndRate | None:
        species = self._species()
        return None if species is None else ({species: 1}, self._expression)

    def __repr__(self) -> str:
        return f"Rate({self._species()}, {self._expression})"


def _arguments(
    *scheme_and_rates: Expression,
    regions: Regions = None,
    custom_dynamics: bool | None = None,
    mass_action: bool | None = None,
    where: Concentrations | Species | None = None,
) -> None:
    """The arguments of a Reaction."""


@shows_arguments_of(_arguments)
class Reaction(VoxelReaction):
    """A reaction of a scheme, such as k + A <> AK.

    Make it on every rank; ``del reaction`` ends it. With species inside cells alone it is NEURON's
    own Reaction. ::

        Reaction(k + A, AK, kf, kb)         k + A <> AK, forward kf [k] [A], backward kb [AK]
        Reaction(2 * A + B, C, kf)          2 A + B > C
        Reaction(A > B, kf)                 also A < B, and A != B for <>
        Reaction(A, B, f, mass_action=False)    f itself is the rate

    Parameters
    ----------
    scheme_and_rates
        The scheme, or its two sides; then one rate for > and <, or the forward and the backward
        rate for <>: numbers or expressions. With mass action a rate is a constant, in
        1/(ms mM^(m - 1)) for m molecules on its side of the scheme: 1/ms for one of them,
        1/(mM ms) for two. Without mass action it is in mM/ms.
    regions
        Where it acts; None: wherever all species of the scheme are.
    custom_dynamics
        Whether the rates are complete: without mass action. None: False.
    mass_action
        The opposite of ``custom_dynamics``. None: True.
    where
        In which voxels it acts: an array of the box's shape, a function of a node or a Parameter,
        dimensionless. The voxels count whose value is not 0. Evaluated at n.finitialize.

    Raises
    ------
    RxDException
        For a wrong argument, or a species that is not in one of the regions.
    TypeError
        For an unknown keyword.
    ValueError
        For a number that is not finite.

    Examples
    --------
    A buffer A binds k, forward 0.1/(mM ms) and backward 0.05/ms:

    >>> A = rxd.Species(ecs, name="A", initial=1)
    >>> AK = rxd.Species(ecs, name="AK", initial=0)
    >>> buffering = rxd.Reaction(k + A, AK, 0.1, 0.05)
    >>> n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    """

    original = "Reaction"

    def __init__(self, *args: Any, where: Concentrations | Species | None = None, **kwargs: Any):
        _refuse_unknown(kwargs)
        arguments = tuple(map(without, args))
        self._scheme, first, second, regions, custom, mass_action = read_arguments(
            arguments, kwargs
        )
        if custom is not None and mass_action is not None:
            raise RxDException("give custom_dynamics or mass_action of a Reaction, not both")
        if (second is None) != (direction_of(self._scheme) != "<>"):
            needed = "two rates" if second is None else "one rate"
            raise RxDException(f"{self._scheme} needs {needed}, got {len(args)} arguments")
        self._custom = is_custom(custom, mass_action)
        self._forward, self._backward = forward_and_backward(self._scheme, first, second)
        if regions is None:
            _require_shared_region(self._scheme)
        self._register(regions, without(where))
        if is_empty_list(regions):
            warn_of_empty_list(f"{self}", frames=1)

    def _all_regions(self) -> list[Extracellular]:
        return _shared_regions(self._scheme)

    @property
    def f_rate(self) -> Expression:
        """The forward rate, as given: a constant of mass action, or mM/ms with custom dynamics.

        Set it on every rank; the next step takes it in. Setting it raises RxDException if the
        scheme has no forward reaction.
        """
        return self._forward

    @f_rate.setter
    def f_rate(self, rate: Expression) -> None:
        self._change(">", rate, self._backward)

    @property
    def b_rate(self) -> Expression:
        """The backward rate, as given: a constant of mass action, or mM/ms with custom dynamics.

        Set it on every rank; the next step takes it in. Setting it raises RxDException if the
        scheme has no backward reaction.
        """
        return self._backward

    @b_rate.setter
    def b_rate(self, rate: Expression) -> None:
        self._change("<", self._forward, rate)

    def _change(self, direction: str, forward: Any, backward: Any) -> None:
        if direction not in direction_of(self._scheme):
            name = "forward" if direction == ">" else "backward"
            raise RxDException(f"{self._scheme} has no {name} reaction")
        self._check(self._law_of(forward, backward))
        self._forward = forward
        self._backward = backward
        self._renew_key()

    def _changes_and_rate(self) -> ChangesAndRate | None:
        return self._law_of(self._forward, self._backward)

    def _law_of(self, forward: Any, backward: Any) -> ChangesAndRate:
        rates = rate_expression(forward), rate_expression(backward)
        return changes_and_rate(self._scheme, *rates, self._custom)

    def __repr__(self) -> str:
        words = [str(self._scheme)]
        for direction, rate in ((">", self._forward), ("<", self._backward)):
            if direction in direction_of(self._scheme):
                words.append(str(rate))
        if self._custom:
            words.append("custom_dynamics=True")
        return f"Reaction({', '.join(words)})"


def _refuse_unknown(named: dict[str, Any]) -> None:
    if named.get("membrane") is not None or named.get("membrane_flux"):
        raise RxDException(
            "a Reaction is one within a region: "
            "use MultiCompartmentReaction for what crosses a membrane"
        )
    known = {"regions", "custom_dynamics", "mass_action"} | MEMBRANE_ARGUMENTS
    unknown = sorted(set(named) - known)
    if unknown:
        raise TypeError(f"Reaction has no argument {', '.join(unknown)}")


def _leaves_of_scheme(scheme: Any) -> list[Any]:
    left, right = sides_of(scheme)
    return [*left, *right]


def _shared_regions(scheme: Any) -> list[Extracellular]:
    """The regions that all species of a scheme have in common."""
    first, *others = _leaves_of_scheme(scheme)
    shared = regions_of(first)
    for leaf in others:
        shared = [region for region in shared if region in regions_of(leaf)]
    return shared


def _require_shared_region(scheme: Any) -> None:
    """Raise RxDException if no region has all species, unless a species has no region yet."""
    have_regions = all(regions_of(leaf) for leaf in _leaves_of_scheme(scheme))
    if have_regions and not _shared_regions(scheme):
        raise RxDException(
            f"the species of {scheme} have no region in common: "
            "a reaction is one of species in the same box"
        )
