"""Functions about the model as a whole: its species, ranks, threads and timings."""

from __future__ import annotations

import numbers
import warnings

from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.neuron_api.intracellular_species import were_any_defined
from ecsmpi.rxd.errors import InvalidValue
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.species import Species
from ecsmpi.rxd.transmembrane_species import TransmembraneSpecies, whole
from ecsmpi.solver import threads
from ecsmpi.solver.timing import Phases


def all_species() -> list[Species | TransmembraneSpecies]:
    """The script's species in the extracellular space, in the order they were made. Local.

    Returns
    -------
    list of Species
        The species, Parameters and States that have an extracellular region now.
    """
    return [whole(species) for species in simulation.registry.scripts_species if species.regions]


def phases() -> Phases:
    """How long each phase of the steps has taken on this rank. Local.

    Returns
    -------
    Phases
        Seconds by phase since the import or the last ``reset()`` of it.

    Examples
    --------
    >>> n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    >>> rxd.phases().seconds()["react"] >= 0  # s
    True
    """
    return simulation.phases


def rank() -> int:
    """The number of this rank among those that compute the model together. Local.

    These are all ranks, or the ranks of NEURON's world, or those of ``rxd.options.comm``.

    Returns
    -------
    int
        From 0; the same as ``rxd.options.comm.rank`` where that is set.
    """
    number: int = simulation.solvers.worlds.rank
    return number


def nthread(count: int | None = None) -> int:
    """The number of threads that each rank uses for its slab. Local.

    Parameters
    ----------
    count
        A number of threads to set, 1 or more. More than the cores of the rank are as many as the
        cores, with a warning. None sets nothing.

    Returns
    -------
    int
        The number of threads from now on.

    Raises
    ------
    InvalidValue
        If ``count`` is not a whole number of at least 1.
    """
    if count is not None:
        threads.choose(_checked_threads(count))
    return threads.most_for_work()


def _checked_threads(count: int) -> int:
    if not isinstance(count, numbers.Real) or not float(count).is_integer():
        raise InvalidValue(f"nthread must be a whole number, got {count!r}")
    if count < 1:
        raise InvalidValue(f"nthread must be 1 or more, got {count}")
    most = threads.most()
    if count > most and rank() == 0:
        warnings.warn(
            f"nthread({count}) uses {most} threads, as this rank has {most} cores: start the ranks "
            "with more cores each, or set NUMBA_NUM_THREADS",
            stacklevel=3,
        )
    return min(int(count), most)


def re_init() -> None:
    """Set the voxels of segments to the outside concentrations (mM) of these. Collective.

    Of several segments in one voxel the last one of the highest rank counts. It also takes in
    fluxes that only some ranks have added. Inside cells NEURON does the same.

    Raises
    ------
    RuntimeError
        Before the first n.finitialize.

    Examples
    --------
    >>> n.finitialize(-65)
    1.0
    >>> soma.ko = 8  # mM
    >>> rxd.re_init()
    >>> k[ecs].node_by_location(0, 0, 0).value
    8.0
    """
    if were_any_defined():
        neuron_rxd.re_init()
    simulation.set_from_segments(simulation.species)
