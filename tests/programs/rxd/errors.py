"""An exception of a step, or of finitialize, reaches the script as itself.

It does so whichever of NEURON's calls it goes through.

argv: "caught", or "last" for one that ends the script.
"""

import gc
import sys

from ecsmpi import rxd
from neuron import n

n.load_file("stdrun.hoc")
context = n.ParallelContext()
context.set_maxstep(10)
n.tstop = 1
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
k = rxd.Species(ecs, name="k", d=2, charge=1, initial=3)
cell = n.Section("cell")


class Observer:
    """Fails, or not."""

    wrong = None

    def started(self, simulation, t):
        pass

    def stepped(self, simulation, t):
        if self.wrong is not None:
            raise self.wrong

    def ended(self):
        pass


def raised_by(call):
    """What a call raises."""
    try:
        call()
    except BaseException as error:
        assert error.__context__ is None
        return error
    raise AssertionError("it raises nothing")


observer = Observer()
rxd.add_observer(observer)
n.finitialize(-65)
if sys.argv[1] == "last":
    observer.wrong = LookupError("lost")
    n.continuerun(1)

CALLS = {
    "fadvance": n.fadvance,
    "continuerun": lambda: n.continuerun(5),
    "psolve": lambda: context.psolve(5),
    "run": n.run,
    "hoc's statement": lambda: n("fadvance()"),
    "hoc's run": lambda: n("{run()}"),
}
for wrong in LookupError("lost"), KeyboardInterrupt(), SystemExit(3), rxd.RxDException("wrong"):
    for what, call in CALLS.items():
        observer.wrong = wrong
        assert raised_by(call) is wrong, what
        assert gc.isenabled()
        observer.wrong = None
        n.fadvance()  # the run goes on
        n.finitialize(-65)
        n.continuerun(0.1)  # or begins again

for call in (lambda: n.finitialize(-65), n.stdinit, n.run, lambda: n("finitialize(-65)")):
    for wrong in KeyError("lost"), KeyboardInterrupt():

        def initial(node):
            raise wrong

        k.initial = initial
        assert raised_by(call) is wrong
        assert gc.isenabled()
        said = raised_by(n.fadvance)
        assert type(said) is RuntimeError and str(said).startswith(
            "n.finitialize() did not come to its end: call it again"
        ), said
        k.initial = 3
        n.finitialize(-65)
        n.fadvance()


def fails():
    raise ValueError("of the script's own")


n.cvode.event(n.t + 0.05, fails)
said = raised_by(lambda: n.continuerun(1))
assert type(said) is RuntimeError and "of the script's own" in str(said), (
    "an error of a script's own callback is NEURON's"
)
assert abs(n.t - 1) > 0.1
n.continuerun(1)
