"""A session that outlives its mistakes; its argument has words of messages, in JSON."""

import json
import sys

from ecsmpi import rxd
from ecsmpi.rxd.errors import InvalidValue
from neuron import n

n.load_file("stdrun.hoc")
n.dt, n.steps_per_ms, n.tstop = 0.1, 10, 1
sec = n.Section(name="cell")
sec.pt3dadd(0, 0, 0, 5)
sec.pt3dadd(0, 0, 20, 5)
sec.insert("hh")
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, 10, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
WORDS = json.loads(sys.argv[1])
NO_END = "n.finitialize() did not come to its end: call it again before the run goes on"


def fails(action, kind=RuntimeError, words=""):
    try:
        action()
    except kind as error:
        assert type(error) is kind and words in str(error), error
        return
    raise AssertionError("a mistake has passed")


def works():
    n.finitialize(-65)
    n.continuerun(0.5)
    assert abs(n.t - 0.5) < 1e-9 and sec(0.5).ko > 3


class Observer:
    def started(self, *_):
        pass

    def stepped(self, *_):
        raise KeyError("lost")

    def ended(self):
        pass


fails(n.fadvance)
works()
sec.nseg = 5
fails(n.fadvance, words=WORDS["CELLS_CHANGED"])
works()
na = rxd.Species(ecs, name="na", charge=1)
fails(n.fadvance, words=WORDS["SODIUM_CAME"])
works()
del na
fails(n.fadvance, words=WORDS["SODIUM_WENT"])
works()
fails(lambda: n.cvode.active(True), words=WORDS["VARIABLE"])
n.cvode.active(False)
works()
more = n.Section(name="more")
fails(n.fadvance)
works()
n.delete_section(sec=more)
fails(n.fadvance)
works()
sec.pt3dadd(0, 0, 40, 5)
fails(n.fadvance)
works()
k.initial = float("nan")
fails(lambda: n.finitialize(-65), InvalidValue, "concentration of k must be finite, got nan")
fails(n.fadvance, words=NO_END)
k.initial = 3
works()
rxd.add_observer(Observer())
fails(n.fadvance, KeyError, "lost")
