"""A wave that spreads from the centre of a box: its front and its maps.

`wave_of` watches a species in ecsmpi or in NEURON alone. Once the model has run, a wave has

    times       (samplings,) ms
    front       (samplings,) um, the radius where the mean over a shell falls through the threshold
    map_times   (maps,) ms
    maps        (maps, x, y) mM, the layer of voxels that holds z = 0
"""

from neuron import n
import numpy as np


def wave_of(rxd, species, region, threshold: float, every: float, path):
    """Watch a species of ecsmpi's rxd or of NEURON's.

    threshold: mM. every: ms between maps. path: file for maps and front, which ecsmpi writes.
    """
    kind = Wave if hasattr(rxd, "Diagnostics") else WaveInNeuron
    return kind(rxd, species, region, threshold, every, path)


class _Watched:
    """A wave that was watched: what ecsmpi's and NEURON's have in common."""

    def speed(self, first: float, last: float, during: float = np.inf) -> float:
        """Speed of the front between two radii (um), in um/ms: the slope of a line through it.

        during: take the last ms of the run only. NaN where the front was there at fewer than 3
        samplings.
        """
        between = (self.front > first) & (self.front < last)
        taken = between & (self.times > self.times[-1] - during)
        if taken.sum() < 3:
            return np.nan
        return np.polyfit(self.times[taken], self.front[taken], 1)[0]

    def save_picture(self, path, voltages=None, distance=None, most: int = 5) -> None:
        """Write a PNG: maps at some times, the front through time, and voltages by distance.

        voltages: (cells, maps) mV. distance: (cells,) um. most: maps that are drawn.
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(13, 6.5), layout="constrained")
        above, below = figure.subfigures(2, 1)
        self._draw_maps(above, most)
        left, right = below.subplots(1, 2)
        left.plot(self.times / 1000, self.front)
        left.set(
            xlabel="time (s)",
            ylabel="radius of the front (µm)",
            title=f"{self.name} falls through {self.threshold:g} mM",
        )
        if voltages is not None and len(voltages):
            seconds = np.arange(voltages.shape[1]) * self.every / 1000
            image = right.pcolormesh(seconds, distance, voltages, shading="nearest")
            below.colorbar(image, ax=right, label="mV")
            right.set(xlabel="time (s)", ylabel="distance (µm)", title="voltage of the somata")
        else:
            right.remove()
        figure.savefig(path, dpi=110)
        print(f"picture: {path}")

    def _draw_maps(self, figure, most: int) -> None:
        chosen = np.unique(np.linspace(0, len(self.maps) - 1, most).astype(int))
        low, high = self.maps.min(), self.maps.max()
        every_axes = figure.subplots(1, len(chosen), sharey=True, squeeze=False)[0]
        for axes, i in zip(every_axes, chosen):
            image = axes.imshow(
                self.maps[i].T, origin="lower", extent=self.extent, vmin=low, vmax=high
            )
            axes.set(title=f"{self.map_times[i] / 1000:g} s", xlabel="x (µm)")
        every_axes[0].set_ylabel("y (µm)")
        figure.colorbar(image, ax=every_axes, label=f"{self.name} (mM)")


class Wave(_Watched):
    """A wave that ecsmpi watches while it runs.

    Each rank samples its own slab; only maps are gathered.
    """

    def __init__(self, rxd, species, region, threshold, every, path):
        self.name = species.name
        self.threshold = threshold
        self.every = every
        self.path = path
        self.shape = region.box.shape
        output = rxd.Output(path, every, items=[rxd.Slice(species, z=0, name="layer")])
        self._watch = rxd.Diagnostics(
            species, n.dt, threshold=threshold, front="radius", centre=(0, 0, 0), output=output
        )
        rxd.Progress(n.tstop)

    def run(self, tstop: float) -> None:
        """Run to a time, ms. Collective."""
        n.continuerun(tstop)
        self._watch.flush()
        self._read()

    def _read(self) -> None:
        import ecsmpi

        with ecsmpi.load(self.path) as file:
            layer = file.selections["layer"]
            self.map_times = layer.time[:]
            self.maps = layer[self.name][..., 0]
            table = file.diagnostics[self.name]
            self.times = table["time"]
            self.front = table["front"]
            (xlo, ylo, _), (xhi, yhi, _) = file.box.lo, file.box.hi
            self.extent = (xlo, xhi, ylo, yhi)


class WaveInNeuron(_Watched):
    """A wave in NEURON alone: its grid is sampled after each step. On one rank.

    Maps and front are kept in memory.
    """

    def __init__(self, rxd, species, region, threshold, every, path):
        self.name = species.name
        self.threshold = threshold
        self.every = every
        self._grid = species[region]
        self._region = region
        self.extent = (region._xlo, region._xhi, region._ylo, region._yhi)
        self.shape = (region._nx, region._ny, region._nz)
        self._samplings, self._maps = [], []

    def run(self, tstop: float) -> None:
        """Run to a time, ms."""
        self._look()
        while n.t < tstop - n.dt / 2:
            n.fadvance()
            self._look()
        self.times, self.front = np.array(self._samplings).T
        self.map_times = np.array([t for t, _ in self._maps])
        self.maps = np.array([layer for _, layer in self._maps])

    def _look(self) -> None:
        states = self._grid.states3d
        self._samplings.append((n.t, self._front(states)))
        if n.t >= len(self._maps) * self.every - 1e-6:
            self._maps.append((n.t, states[:, :, self._layer].copy()))

    @property
    def _layer(self) -> int:
        return int(-self._region._zlo / self._region._dx[2])

    def _front(self, states) -> float:
        """The last radius where means over shells, a voxel thick, fall through the threshold."""
        region, dx = self._region, self._region._dx
        lows = (region._xlo, region._ylo, region._zlo)
        squares = []  # of the distances of voxels' centres from 0, along each axis
        for low, h, count in zip(lows, dx, states.shape):
            squares.append((low + h * (np.arange(count) + 0.5)) ** 2)
        x2, y2, z2 = squares
        shell = (np.sqrt(x2[:, None, None] + y2[:, None] + z2) / max(dx)).astype(int).ravel()
        with np.errstate(invalid="ignore"):
            means = np.bincount(shell, states.ravel()) / np.bincount(shell)
        radii = max(dx) * (np.arange(len(means)) + 0.5)
        radii, means = radii[np.isfinite(means)], means[np.isfinite(means)]
        last = np.flatnonzero(means >= self.threshold)
        if not last.size:
            return np.nan
        pair = slice(last[-1], last[-1] + 2)
        return float(np.interp(-self.threshold, -means[pair], radii[pair]))
