"""A network of NetPyNE with one line added answers as with NEURON's own rxd.

NetPyNE draws it, too.
"""

import matplotlib.image
import numpy as np
import pytest

from support.long_form import long
from support.neuron_reference import FOLDER, disagreements
from support.ranks import mpirun


def answer(backend, ranks, tmp_path):
    path = tmp_path / f"{backend}{ranks}.npz"
    done = mpirun(ranks, ["python", FOLDER / "netpyne_network.py", backend, path], cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Error" not in done.stdout, done.stdout
    # Of NetPyNE's plotRxDConcentration, by rank 0 alone.
    picture = matplotlib.image.imread(f"{path}.png")
    with np.load(path) as saved:
        return dict(saved) | {"picture": picture}


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_network_of_netpyne_answers_and_is_drawn_as_with_neuron(ranks, tmp_path):
    expected = answer("neuron", None, tmp_path)
    assert expected["spikes"].shape[1] >= 7
    assert all(np.ptp(array) > 0 for array in expected.values())
    assert disagreements(answer("ecsmpi", ranks, tmp_path), expected, 1e-11) == []
