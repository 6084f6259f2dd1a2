"""A network of NetPyNE with rxdParams: `python netpyne_network.py BACKEND OUTPUT.npz`.

One import is all that differs.

Cells with hh that synapse on each other, in an extracellular space with a buffer; calcium diffuses
and decays inside.
"""

import sys

import numpy as np

BACKEND, OUTPUT = sys.argv[1:3]
sys.argv = sys.argv[:1]  # NetPyNE reads it too
if BACKEND == "ecsmpi":
    import ecsmpi.netpyne  # noqa: F401
from netpyne import sim, specs  # noqa: E402  after ecsmpi.netpyne

params, config = specs.NetParams(), specs.SimConfig()
params.sizeX = params.sizeY = params.sizeZ = 100
params.propVelocity = 100
params.popParams["E"] = {"cellType": "E", "numCells": 7}
params.cellParams["E"] = {
    "conds": {"cellType": "E"},
    "secs": {
        "soma": {
            "geom": {"pt3d": [(0, 0, 0, 15), (0, 15, 0, 15)], "nseg": 1},
            "mechs": {"hh": {}},
            "ions": {"k": {"e": -77, "i": 54.4, "o": 2.5}},
        },
        "dend": {
            "geom": {"pt3d": [(0, 15, 0, 2), (5, 50, 0, 2)], "nseg": 3},
            "mechs": {"pas": {"g": 1e-4, "e": -65}},
            "topol": {"parentSec": "soma", "parentX": 1, "childX": 0},
        },
    },
}
params.synMechParams["exc"] = {"mod": "Exp2Syn", "tau1": 0.5, "tau2": 2, "e": 0}
params.stimSourceParams["clamp"] = {"type": "IClamp", "delay": 1, "dur": 1000, "amp": 0.3}
params.stimTargetParams["clamp->E"] = {
    "source": "clamp",
    "conds": {"pop": "E", "cellList": [0, 3]},
    "sec": "soma",
    "loc": 0.5,
}
params.connParams["E->E"] = {
    "preConds": {"pop": "E"},
    "postConds": {"pop": "E"},
    "probability": 0.5,
    "weight": 0.01,
    "delay": 1,
    "sec": "dend",
    "synMech": "exc",
}

params.rxdParams["constants"] = {"kb": 0.02}
params.rxdParams["regions"] = {
    "ecs": {
        "extracellular": True,
        "xlo": -20,
        "ylo": -120,
        "zlo": -20,
        "xhi": 120,
        "yhi": 60,
        "zhi": 120,
        "dx": 20,
        "volume_fraction": 0.2,
        "tortuosity": 1.6,
    },
    "cyt": {"cells": "all", "secs": "all", "nrn_region": "i"},
}
params.rxdParams["species"] = {
    "k": {"regions": "ecs", "d": 2.62, "charge": 1, "initial": "3 + 0.5 * (node.x3d > 50)"},
    "na": {"regions": "ecs", "d": 1.78, "charge": 1, "initial": 140},
    "buffer": {"regions": "ecs", "initial": 1},
    "bound": {"regions": "ecs", "initial": 0},
    "ca": {
        "regions": "cyt",
        "d": 0.5,
        "charge": 2,
        "initial": "1e-3 if 'soma' in str(node.segment) else 5e-5",
    },
}
binding = "(0.01 * k * buffer - kb * bound)"
params.rxdParams["rates"] = {
    "of k": {"species": "k", "rate": f"-{binding}"},
    "of buffer": {"species": "buffer", "rate": f"-{binding}"},
    "of bound": {"species": "bound", "rate": binding},
    "decay": {"species": "ca", "rate": "-ca / 30"},
}

config.duration, config.dt, config.hParams = 30, 0.05, {"celsius": 20, "v_init": -65}
config.recordCells = ["all"]
config.recordTraces = {
    name: {"sec": "soma", "loc": 0.5, "var": name} for name in ("v", "ko", "nao", "cai")
}
config.recordStep, config.verbose, config.saveJson = 0.05, False, False
PICTURE = {
    "speciesLabel": "k",
    "regionLabel": "ecs",
    "plane": "xz",
    "showFig": False,
    "saveFig": OUTPUT + ".png",
}
config.analysis = {"plotRxDConcentration": PICTURE}

sim.createSimulateAnalyze(netParams=params, simConfig=config)  # rank 0 plots
if sim.rank == 0:
    region = sim.net.rxd["regions"]["ecs"]["hObj"]
    grids = {
        name: np.array(sim.net.rxd["species"][name]["hObj"][region].states3d)
        for name in ("k", "na", "buffer", "bound")
    }
    data = sim.allSimData
    traces = {
        f"{name} of {cell}": np.array(data[name][cell])
        for name in config.recordTraces
        for cell in data[name]
    }
    order = np.lexsort((data["spkid"], data["spkt"]))
    np.savez(
        OUTPUT, spikes=np.array([data["spkt"], data["spkid"]])[:, order], **grids, **traces
    )
sim.clearAll()
