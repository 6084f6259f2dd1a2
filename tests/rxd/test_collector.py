"""What Python's collector looks at."""

import pytest

from support.programs import PROGRAMS
from support.ranks import mpirun


@pytest.mark.parametrize("arguments", [(), ("interactive",)])
def test_modules_are_left_out_of_collections_and_dropped_models_are_not(arguments):
    done = mpirun(None, ["python", PROGRAMS / "rxd" / "left_out.py", *arguments])
    assert done.returncode == 0, done.stderr
    assert "went on" in done.stdout
