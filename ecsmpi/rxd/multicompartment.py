"""Reactions across the membrane, between cells and voxels."""

from __future__ import annotations

from typing import Any

from ecsmpi.neuron_api.expressions import leaves
from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.neuron_api.intracellular_species import is_membrane
from ecsmpi.neuron_api.rxd_names import read_arguments
from ecsmpi.rxd.argument_types import Expression, Region
from ecsmpi.rxd.errors import RxDException
from ecsmpi.rxd.intracellular import names_extracellular
from ecsmpi.rxd.model_reset import made_inside
from ecsmpi.rxd.reaction_terms import Term
from ecsmpi.rxd.schemes import changes_and_rate, forward_and_backward, is_custom
from ecsmpi.rxd.segment_reactions import SegmentReaction
from ecsmpi.rxd.signatures import shows_arguments_of
from ecsmpi.rxd.transmembrane_species import is_half, within


def _arguments(
    *scheme_and_rates: Expression,
    membrane: Region = None,
    border: Region = None,
    scale_by_area: bool = True,
    membrane_flux: bool = False,
    custom_dynamics: bool | None = None,
    mass_action: bool | None = None,
) -> None:
    """The arguments of a MultiCompartmentReaction."""


@shows_arguments_of(_arguments)
class MultiCompartmentReaction(SegmentReaction):
    """A reaction between regions on both sides of a membrane.

    Make it on every rank; ``del reaction`` ends it. If nothing in it is extracellular, it is
    NEURON's own MultiCompartmentReaction. Each segment takes from its voxel, and brings to it; the
    segments in a voxel add up.

    Parameters
    ----------
    scheme_and_rates
        A scheme of ``species[region]``, or its two sides; then one rate for > and <, or the
        forward and the backward rate for <>. A complete rate is in molecules/(um2 ms) of the
        membrane's area, or in molecules/ms; with mass action it is a constant, times the
        concentrations (mM) on its side. In rates, a species without [region] is that on the
        membrane.
    membrane, border
        The membrane's region, on whose sections the reaction runs (border: another name for it).
    scale_by_area
        True: complete rates are in molecules/(um2 ms), of the membrane's area. False:
        molecules/ms, of a segment.
    membrane_flux
        Whether the reaction carries a current, which charges the membrane.
    custom_dynamics
        Whether the rates are complete: without mass action. None: False.
    mass_action
        The opposite of ``custom_dynamics``. None: True.

    Raises
    ------
    RxDException
        For a wrong argument, or a species in several regions that is named without one.

    Examples
    --------
    A pump brings sodium out of the cell:

    >>> cytosol = rxd.Region([soma], name="cytosol", nrn_region="i")
    >>> membrane = rxd.Region([soma], name="membrane", geometry=rxd.membrane)
    >>> na = rxd.Species([cytosol, ecs], name="na", charge=1, initial=10)
    >>> pump = rxd.MultiCompartmentReaction(
    ...     na[cytosol] > na[ecs], 50 * na[cytosol], membrane=membrane, custom_dynamics=True
    ... )
    >>> n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    """

    original = "MultiCompartmentReaction"

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        is_ours = names_extracellular(arguments, named)
        if is_ours or _carries_ion_of_voxels(arguments, named):
            return super().__new__(cls)
        reaction = neuron_rxd.MultiCompartmentReaction(*arguments, **named)
        made_inside.add(reaction)
        return reaction

    def __init__(
        self,
        *arguments: Any,
        membrane: Region = None,
        border: Region = None,
        scale_by_area: bool = True,
        membrane_flux: bool = False,
        **named: Any,
    ):
        self._membrane = membrane or border
        if not isinstance(self._membrane, neuron_rxd.Region) or not is_membrane(self._membrane):
            raise RxDException(
                "a reaction across the membrane needs membrane=..., a membrane's region of cells, "
                f"got {self._membrane!r}"
            )
        self._scheme, first, second, _, custom, mass_action = read_arguments(arguments, named)
        self._custom = is_custom(custom, mass_action)
        self._per_area = bool(scale_by_area)
        self._carries = bool(membrane_flux)
        self._forward, self._backward = forward_and_backward(self._scheme, first, second)
        self._register()

    def terms(self) -> list[Term]:
        """The one rate of the reaction, and what it changes."""
        changes, rate = changes_and_rate(self._scheme, self._forward, self._backward, self._custom)
        self._refuse_unclear_regions(changes, rate)
        term = Term(
            changes=list(changes.items()),
            rate=within(rate),
            region=self._membrane,
            membrane=self._membrane,
            per_area=self._per_area,
            carries=self._carries,
            label=repr(self),
        )
        return [term]

    def _refuse_unclear_regions(self, changes: dict[Any, float], rate: Any) -> None:
        """Raise RxDException for a species in several regions that is named without one.

        In rates a species without [region] may be that on the membrane.
        """
        for leaf in [*changes, *leaves(rate)]:
            regions = getattr(leaf, "regions", ())
            if len(regions) < 2:
                continue
            is_on_membrane = leaf not in changes and self._membrane in regions
            if not is_on_membrane:
                raise RxDException(f"say which region of {leaf} the reaction is in: {leaf}[region]")

    @property
    def f_rate(self) -> Expression:
        """The forward rate, as given: of mass action, or in molecules/(um2 ms) or molecules/ms.

        Set it on every rank; the next step takes it in.
        """
        return self._forward

    @f_rate.setter
    def f_rate(self, rate: Expression) -> None:
        self._forward = rate
        self._register()

    @property
    def b_rate(self) -> Expression:
        """The backward rate, as given: of mass action, or in molecules/(um2 ms) or molecules/ms.

        Set it on every rank; the next step takes it in.
        """
        return self._backward

    @b_rate.setter
    def b_rate(self, rate: Expression) -> None:
        self._backward = rate
        self._register()

    def __repr__(self) -> str:
        return f"MultiCompartmentReaction({self._scheme})"


def _carries_ion_of_voxels(arguments: tuple[Any, ...], named: dict[str, Any]) -> bool:
    """Whether a reaction inside cells carries a current of an ion that is outside, too.

    NEURON's own reaction would not bring that ion to its voxel.
    """
    if not named.get("membrane_flux"):
        return False
    return any(is_half(leaf) for argument in arguments for leaf in leaves(argument))
