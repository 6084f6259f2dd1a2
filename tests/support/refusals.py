"""What a restart says that is refused."""

from ecsmpi import rxd
from ecsmpi.rxd.session import simulation


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
