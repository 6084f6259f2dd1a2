"""Any rank reads and sets concentrations at any time, whatever the others do."""

from pathlib import Path

import numpy as np
import pytest

PROGRAM = Path(__file__).parent / "programs" / "reading_anywhere.py"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What the program finds on one rank."""
    from conftest import mpirun

    path = tmp_path_factory.mktemp("alone") / "found.npz"
    done = mpirun(None, ["python", PROGRAM, path])
    assert done.returncode == 0, done.stderr
    with np.load(path) as found:
        return dict(found)


@pytest.mark.parametrize("ranks, apart", [(2, []), (3, []), (7, []), (3, ["apart"])])
def test_some_ranks_read_and_set_what_one_rank_does(ranks, apart, alone, on_ranks):
    found = on_ranks(ranks, PROGRAM, *apart)
    assert found.keys() == alone.keys()
    for name, expected in alone.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-12, err_msg=name)
    assert found["unchanged"].all()
