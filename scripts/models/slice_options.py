"""The options of the slice, with the published defaults."""

import argparse
from dataclasses import dataclass
from importlib.util import find_spec
import math
from pathlib import Path

SIZES = {  # (x, y) um
    "mini": (200, 200),
    "small": (500, 500),
    "mm": (1000, 1000),
    "big": (2000, 2000),
    "bigger": (3000, 3000),
    "cube": (500, 500),
}
SURFACE_TO_VOLUME = 3  # of a neuron, 1/um
NEURONAL = 0.24  # fraction of the tissue that is cytosol of neurons


@dataclass(frozen=True)
class Condition:
    """The state of the tissue.

    alpha: volume fraction outside cells. oxygen: mM in the bath. chloride: relative to the usual
    concentrations.
    """

    alpha: float
    tortuosity: float
    oxygen: float
    chloride: float = 1


CONDITIONS = {
    "perfused": Condition(0.2, 1.6, 0.1),
    "normoxic": Condition(0.2, 1.6, 0.04),
    "hypoxic": Condition(0.13, 1.8, 0.01),
    "anoxic": Condition(0.07, 1.8, 0.01),
    "mannitol": Condition(0.32, 1.4, 0.1),
    "brainstem": Condition(0.3, 1.6, 0.04),
    "primed": Condition(0.12, 1.6, 0.1, chloride=0.5),
}
AS_PUBLISHED = {  # what the published code does, though the paper does not mean it
    "gates": "start gates at a/(b + 1) instead of a/(a + b)",
    "volumes": "let cells swell more slowly, by their own volume in um3",
    "primed": "give primed tissue the volume fraction 0.07 instead of 0.12",
}


def parsed(arguments=None):
    """The options of the command line, or of a list of words.

    A wrong one ends the program with status 2.
    """
    parser = argparse.ArgumentParser(
        description="Spreading depolarisation in a slice of brain.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    um = {"type": _positive, "metavar": "UM"}
    add(
        "--neuron",
        action="store_true",
        help="run in neuron.rxd instead of ecsmpi.rxd",
    )
    add(
        "--size",
        choices=SIZES,
        default="mm",
        help="the slice in x and y; cube: 500 um each way",
    )
    add("--thickness", **um, default=400, help="thickness of the slice")
    add(
        "--eighth",
        action="store_true",
        help="compute an eighth of the slice, mirrored at its three middle planes: the same wave "
        "for less work",
    )
    add(
        "--density",
        type=_positive,
        metavar="N",
        default=90_000,
        help="neurons in a mm3",
    )
    add("--dx", **um, default=25, help="edge of a voxel")
    add(
        "--dt",
        type=_positive,
        metavar="MS",
        default=0.1,
        help="time step",
    )
    add(
        "--tstop",
        type=_positive,
        metavar="MS",
        default=10_000,
        help="end of the run",
    )
    add(
        "--condition",
        choices=CONDITIONS,
        default="perfused",
        help="state of the tissue",
    )
    add(
        "--k0",
        type=_positive,
        metavar="MM",
        default=70,
        help="potassium outside, in the middle, that starts the wave",
    )
    add(
        "--r0",
        **um,
        default=100,
        help="radius of the core, where potassium is that high",
    )
    add(
        "--core",
        choices=("usual", "ischemic", "ouabain"),
        default="usual",
        help="state of the core",
    )
    add(
        "--alpha",
        type=_positive,
        help="volume fraction outside cells, instead of the condition's",
    )
    add(
        "--tortuosity",
        type=_positive,
        help="tortuosity, instead of the condition's",
    )
    add(
        "--oxygen",
        type=_positive,
        metavar="MM",
        help="oxygen in the bath, instead of the condition's",
    )
    add(
        "--pump",
        type=_positive,
        metavar="MM/MS",
        default=0.8,
        help="the pumps' largest rate",
    )
    add(
        "--as-published",
        choices=AS_PUBLISHED,
        nargs="+",
        default=[],
        help=_listed(AS_PUBLISHED),
    )
    add(
        "--every",
        type=_positive,
        metavar="MS",
        default=100,
        help="time between maps of the middle layer",
    )
    add(
        "--output",
        type=Path,
        metavar="H5",
        default=Path("slice.h5"),
        help="file of maps and front, which ecsmpi writes",
    )
    add(
        "--picture",
        type=Path,
        metavar="PNG",
        default=Path("slice.png"),
        help="picture of maps, front and voltages",
    )
    options = parser.parse_args(arguments)
    if find_spec("matplotlib") is None:
        parser.error("--picture needs matplotlib: python -m pip install 'ecsmpi[plot]'")
    if options.eighth and options.neuron:
        parser.error(
            "--eighth needs faces that differ, which NEURON's boxes cannot have: "
            "leave --neuron or --eighth out"
        )
    return options


def tissue_of(options):
    """The `Condition` of the options."""
    usual = CONDITIONS[options.condition]
    alpha = usual.alpha
    if options.condition == "primed" and "primed" in options.as_published:
        alpha = 0.07
    return Condition(
        options.alpha or alpha,
        options.tortuosity or usual.tortuosity,
        options.oxygen or usual.oxygen,
        usual.chloride,
    )


def half_lengths(options):
    """(x, y, z) um from the middle of the slice to its faces."""
    x, y = SIZES[options.size]
    z = 500 if options.size == "cube" else options.thickness
    return x / 2, y / 2, z / 2


def lower_corner(options):
    """(x, y, z) um of the box's corner: with ``--eighth``, the middle of the slice."""
    if options.eighth:
        return 0.0, 0.0, 0.0
    x, y, z = half_lengths(options)
    return -x, -y, -z


def held_at(value, options):
    """The ecs_boundary_conditions that hold the slice's own faces at a value."""
    if options.eighth:
        return {"xhi": value, "yhi": value, "zhi": value}
    return value


@dataclass(frozen=True)
class Neuron:
    """A neuron's shape: a cylinder, as long as it is wide.

    radius: um. fraction: of the cylinder that is cytosol.
    """

    radius: float
    fraction: float

    @property
    def area(self):
        """Area of the membrane, um2."""
        return 4 * math.pi * self.radius**2

    @property
    def volume(self):
        """Volume of the cytosol, um3."""
        return 2 * math.pi * self.radius**3 * self.fraction


def neurons(options):
    """How many neurons there are, and the shape of each, a `Neuron`.

    Together they fill their share of the tissue, and have the surface that neurons have.
    """
    edges = [high - low for low, high in zip(lower_corner(options), half_lengths(options))]
    volume = math.prod(edges)
    count = int(options.density * volume * 1e-9)
    if not count:
        raise SystemExit(
            f"slice: at {options.density:g} neurons a mm3 there is none: "
            "give a larger --density or --size"
        )
    soma = (NEURONAL * volume / (2 * math.pi * count)) ** (1 / 3)
    radius = math.sqrt(SURFACE_TO_VOLUME * soma**3 / 2)
    return count, Neuron(radius, (soma / radius) ** 3)


def _positive(text):
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number > 0, got {text}")
    return number


def _listed(texts):
    return "; ".join(f"{name}: {text}" for name, text in texts.items())
