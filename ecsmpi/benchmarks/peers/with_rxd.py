"""NEURON's or ecsmpi's `rxd.Extracellular`: Douglas and Gunn's scheme."""


class Box:
    """A closed box of one species, around one compartment without channels."""

    def __init__(self, edge, r, library):
        if library == "ecsmpi":
            from ecsmpi import rxd
        else:
            from neuron import rxd
        from neuron import n

        self._neuron = n
        self._section = n.Section(name="compartment")
        self._section.pt3dadd(1, 1, 1, 0.5)
        self._section.pt3dadd(2, 1, 1, 0.5)
        self._region = rxd.Extracellular(
            0, 0, 0, edge, edge, edge, dx=1, volume_fraction=0.2, tortuosity=1
        )
        self._species = rxd.Species(self._region, d=1, name="solute", initial=1)
        n.dt = r
        n.finitialize(-65)

    def set(self, field):
        """Take the concentrations of a field."""
        self._species[self._region].states3d[:] = field

    def advance(self, steps):
        """Make some steps."""
        for _ in range(steps):
            self._neuron.fadvance()

    def field(self):
        """The concentrations."""
        return self._species[self._region].states3d
