"""Diagnostics that are refused, by name."""

from functools import partial

from support.model import box, message_of, n, run_case, rxd, save


def refused():
    ecs, far = box(), box(at=200)
    k = rxd.Species([ecs, far], d=2.62, name="k", charge=1, initial=3)
    na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
    simulation = rxd.session.simulation

    def begin(*arguments, **options):
        numbers = rxd.Diagnostics(*arguments, attach=False, **options)
        numbers.started(simulation, 0.0)

    def refusal(*arguments, **options):
        return message_of(ValueError, partial(begin, *arguments, **options))

    assert "no species cl to watch: the model has k, na" in refusal("cl", 1)
    assert "k is in 2 regions: give one of them as region=" in refusal(k, 1)
    assert "give one of them" in refusal(na, 1, region=far)
    assert "every must be > 0 ms, got 0" in refusal(k, 0)
    output = rxd.Output("k.h5", 1, attach=False)
    assert "give path or output, not both" in refusal(na, 1, output=output, path="k.h5")
    assert "is not open" in refusal(na, 1, output=output)
    first = rxd.Diagnostics(na, 1, output=output, attach=False)
    assert "has diagnostics na already" in refusal(na, 1, output=output)
    n.finitialize(-65)
    silent = rxd.Diagnostics(na, 1)
    assert "balance=True" in message_of(ValueError, silent.balance)
    save()


if __name__ == "__main__":
    run_case(globals())
