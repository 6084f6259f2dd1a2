"""What a restart says that is refused."""

from ecsmpi import rxd
from ecsmpi.rxd.session import simulation
from neuron import n


def told_by_restart(folder):
    """Return what a restart is told here, "" where the run goes on."""
    rxd.restart(folder)
    try:
        simulation.make_plan()
        simulation.find_segments()
        simulation.deliver()
        simulation.start()
    except ValueError as error:
        simulation.supervisor.restart = None
        return str(error)
    return ""


def refusal(path):
    """Return the kind and text of the refusal of a restart, "" where it goes on."""
    n.finitialize(-65)
    rxd.restart(path)
    try:
        simulation.start()
    except ValueError as error:
        simulation.supervisor.restart = None
        return f"{type(error).__name__}: {error}"
    return ""
