"""Make one time step of a small box with one cell."""

from ecsmpi import rxd
from ecsmpi.neuron_api.interpreter import n


def main():
    """Make the model and step it."""
    cell = n.Section("cell")
    cell.pt3dadd(50, 50, 20, 5)
    cell.pt3dadd(50, 50, 180, 5)
    cell.insert("hh")
    ecs = rxd.Extracellular(0, 0, 0, 200, 200, 400, dx=10, volume_fraction=0.2, tortuosity=1.6)
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
    n.finitialize(-65)
    n.fadvance()
    del k  # it had to live until now


if __name__ == "__main__":
    main()
