"""The sweeps neither make nor keep numbers for which a processor takes a hundred times as long, and
leave others theirs.
"""

from ecsmpi import subnormals
from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.description.profiles import ArrayProfile
from ecsmpi.solver.exchange import plan_exchange
from ecsmpi.solver.slab_field import SlabField
from ecsmpi.solver.stepper import Stepper
from llvmlite import binding, ir
from mpi4py import MPI
from numba import njit
import numpy as np
import pytest

from support.programs import PROGRAMS

SMALLEST_NORMAL = np.finfo(float).tiny
known = pytest.mark.skipif(
    subnormals.MACHINE not in subnormals.FLUSHED,
    reason="a machine whose mode is not known here",
)
uneven = ArrayProfile(np.linspace(0.2, 0.4, 240).reshape(240, 1, 1))
CASES = {
    "along x": ((240, 1, 1), Tissue()),
    "along y": ((1, 240, 1), Tissue()),
    "along z": ((1, 1, 240), Tissue()),
    "short z-lines": ((12, 240, 4), Tissue()),
    "uneven tissue": ((240, 1, 1), Tissue(uneven)),
}


def small_numbers(values) -> int:
    """How many numbers are subnormal."""
    return int(np.count_nonzero((values != 0) & (np.abs(values) < SMALLEST_NORMAL)))


@known
@pytest.mark.parametrize("name", CASES)
def test_a_step_makes_no_subnormal_concentrations(name):
    """From nothing but one voxel's source: what comes of it decays by four digits a voxel, to
    1e-308 within the box.
    """
    shape, tissue = CASES[name]
    box = Box((0.0,) * 3, (1.0,) * 3, shape)
    field = SlabField(box, (0, shape[0]))
    voxels = np.zeros(1, dtype=np.int64)
    exchange = plan_exchange(MPI.COMM_SELF, Slabs(shape[0], 1), box.plane, voxels, 1)
    species = [SpeciesSpec(None, (1e-3,) * 3)]
    stepper = Stepper(MPI.COMM_SELF, box, tissue, species, [field], exchange)
    for _ in range(2):
        exchange.add_sources(0, np.ones(1), np.zeros(0, dtype=np.uint32), np.ones(1), 0.1)
        stepper.advance(0.1, 0.0)
    stepper.free()
    exchange.free()
    assert field.owned.max() > 0.1
    assert 0 < field.owned[field.owned > 0].min() < 1e-290
    assert (field.owned == 0).any()
    assert not small_numbers(field.owned)
    assert np.float64(SMALLEST_NORMAL) / 2 > 0, "the mode of this thread was not restored"


@known
def test_the_mode_holds_from_one_call_to_the_other():
    @njit
    def halves(number):
        before = number[0] / 2
        mode = subnormals.flush_subnormals()
        number[1] = number[0] / 2
        subnormals.restore_mode(mode)
        return before

    number = np.array([SMALLEST_NORMAL, 1.0])
    assert halves(number) > 0 and number[1] == 0.0


@pytest.mark.parametrize(
    "machine, instruction", [("x86_64", "ldmxcsr"), ("aarch64", "FPCR"), ("riscv64", None)]
)
def test_other_processors_have_their_instruction(machine, instruction):
    """Compiled for them, not run."""
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(subnormals.LONG, []), "both")
    builder = ir.IRBuilder(function.append_basic_block())
    before = subnormals.mode_now(builder, machine)
    subnormals.set_mode(builder, machine, before)
    builder.ret(before)
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    target = binding.Target.from_triple(f"{machine}-unknown-linux-gnu").create_target_machine()
    code = target.emit_assembly(binding.parse_assembly(str(module)))
    assert instruction.lower() in code.lower() if instruction else "csr" not in code


@known
def test_what_decays_ends_as_no_subnormal_number(on_ranks):
    left = on_ranks(None, PROGRAMS / "solver" / "decay.py")["left"]
    assert (left >= 0).all()
    assert (left < 1e-290).all()
    assert not small_numbers(left)
