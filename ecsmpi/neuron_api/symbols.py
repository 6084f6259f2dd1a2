"""Every name of NEURON that ecsmpi uses and NEURON does not document for Python: one table.

The rest of this package finds NEURON's C and C++ symbols through `library`, whose functions take an
entry of the table, so no symbol can be used without being listed. Private names of
neuron.rxd are ordinary attributes in the code; a test compares them with the table.

Where NEURON's public C interface (neuronapi.h) reaches, the entry is one of its functions. What it
does not reach: counts of structure changes, the ranks of a sub-world, sizes of mechanisms, the
callbacks of a step, the exchange of spikes, and saved states cell by cell.

`ecsmpi doctor` prints the entries that the installed NEURON lacks.

ecsmpi also relies on what has no name; each is checked where it is used:

    place of tp_call in NEURON's types       neuron_calls: found once, or nothing is installed
    place of the symbol in NEURON's objects  neuron_calls: found once, or waiting is not watched
    text of a pointer (repr)                 pointers: anything else counts as gone
    format of SaveState                      state.savestate_format: Malformed
    format of BBSaveState                    state.bbsavestate_format: Malformed
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How stable a name is, and where it is looked up."""

    C_API = "function of NEURON's C interface (neuronapi.h)"
    C = "C symbol of NEURON's library"
    CXX = "mangled C++ symbol of NEURON's library"
    PYTHON = "undocumented name of a Python module"


@dataclass(frozen=True)
class Symbol:
    """One name in NEURON that is not documented for Python.

    Attributes
    ----------
    name : symbol of the library, or ``module:name`` of a Python name; ``module:Class.name`` is an
        attribute of the class or of its objects
    kind : where the name is looked up
    purpose : what ecsmpi uses it for
    without : what happens where NEURON lacks it
    versions : versions of NEURON in which ecsmpi's tests have used it
    in_sources_of : date of NEURON's development sources that declare it in the same way
    """

    name: str
    kind: Kind
    purpose: str
    without: str
    versions: tuple[str, ...] = ("9.0.2",)
    in_sources_of: str = "2026-08"

    @property
    def attribute(self) -> str:
        """The last part of the name, which stands in the code."""
        return self.name.rpartition(":")[2].rpartition(".")[2]


NO_IMPORT = "ecsmpi.rxd cannot be imported"
NO_START = "n.finitialize raises AttributeError"
NO_CHECKPOINT = "checkpoints on several ranks raise an error"
NO_GIDS = "n.finitialize on several ranks, checkpoints and reports raise AttributeError"
NO_OTHER_RANKS = "checkpoints cannot be continued on other ranks: AttributeError"
SLOWER = "NEURON computes the reversal potentials itself, more slowly"
NO_REACTIONS = "reactions across the membrane raise AttributeError"
NO_SPECIES_INSIDE = "models with species inside cells raise AttributeError"

# NEURON's C interface

SYMBOL_OF_NAME = Symbol("nrn_symbol", Kind.C_API, "NEURON's symbol of a variable", NO_IMPORT)
ACCESSED_SECTION = Symbol("nrn_cas", Kind.C_API, "pointer to a section", NO_IMPORT)
PUSH_RANGE_VARIABLE = Symbol(
    "nrn_rangevar_push", Kind.C_API, "address of a range variable at a segment", NO_IMPORT
)
POP_ADDRESS = Symbol(
    "nrn_double_ptr_pop", Kind.C_API, "address of a range variable at a segment", NO_IMPORT
)
RELEASE_OBJECT = Symbol(
    "nrn_object_unref", Kind.C_API, "release NEURON's object of a Python cell", NO_GIDS
)

# C

STRUCTURE_CHANGES = Symbol(
    "structure_change_cnt", Kind.C, "notice that NEURON moved its variables", NO_IMPORT
)
DIAMETER_CHANGES = Symbol(
    "diam_change_cnt", Kind.C, "notice that NEURON's geometry changed", NO_IMPORT
)
CHANGE_WAITS = Symbol(
    "v_structure_change", Kind.C, "notice, and ask for, a pending change of structure", NO_IMPORT
)
MECHANISM_COUNT = Symbol(
    "n_memb_func", Kind.C, "notice that mechanisms were loaded", "n.finitialize raises ValueError"
)
POINTER_COUNTS = Symbol(
    "nrn_prop_dparam_size_",
    Kind.C,
    "range of places in a mechanism that may keep an event",
    "a checkpoint with events of mechanisms cannot be checked: ValueError at the restart",
)
THREADS = Symbol("nrn_threads", Kind.C, "argument of the exchange of spikes", NO_CHECKPOINT)
RANKS = Symbol(
    "nrnmpi_numprocs",
    Kind.C,
    "ranks of NEURON's world, asked for before a ParallelContext exists and in every read",
    NO_IMPORT,
)
RANK = Symbol("nrnmpi_myid", Kind.C, "this rank in NEURON's world", NO_IMPORT)
ALL_RANKS = Symbol(
    "nrnmpi_numprocs_world",
    Kind.C,
    "a forked child stands for one rank",
    "an error in a forked child ends all ranks",
)
PRINTS_ERRORS = Symbol(
    "hoc_execerror_messages", Kind.C, "keep NEURON silent about an exception of ours", NO_IMPORT
)
INTRACELLULAR_BLOCK = Symbol(
    "rxd_nonvint_block", Kind.C, "order of ecsmpi's step and NEURON's own rxd", NO_IMPORT
)
SET_BLOCK = Symbol("set_nonvint_block", Kind.C, "be called in every step of NEURON", NO_IMPORT)
UNSET_BLOCK = Symbol(
    "unset_nonvint_block", Kind.C, "order of ecsmpi's step and NEURON's own rxd", NO_IMPORT
)

# C++

REGISTER_BEFORE_BREAKPOINT = Symbol(
    "_Z10hoc_reg_baiPFvP4NodePN6neuron9container19generic_data_handleES4_P9NrnThreadP9Memb_listm"
    "RKNS1_18model_sorted_tokenEEi",
    Kind.CXX,
    "compute reversal potentials before NEURON evaluates currents",
    SLOWER,
)
NERNST_COEFFICIENT = Symbol(
    "_Z15nrn_nernst_coefi", Kind.CXX, "R T / (z F) at NEURON's temperature, bit for bit", SLOWER
)
EXCHANGE_SPIKES = Symbol(
    "_Z18nrn_spike_exchangeP9NrnThread",
    Kind.CXX,
    "deliver pending spikes before a checkpoint",
    NO_CHECKPOINT,
)
ITERATE_GIDS = Symbol(
    "_Z15nrn_gidout_iterPFviP6ObjectE",
    Kind.CXX,
    "the gids of this rank",
    NO_GIDS,
)
SAVE_COUNTS = Symbol(
    "_Z18bbss_buffer_countsPiPS_S0_S_",
    Kind.CXX,
    "BBSaveState in memory: sizes of the cells' states",
    NO_OTHER_RANKS,
)
SAVE_CELL = Symbol(
    "_Z9bbss_savePviPci", Kind.CXX, "BBSaveState in memory: save a cell", NO_OTHER_RANKS
)
SAVE_DONE = Symbol(
    "_Z14bbss_save_donePv", Kind.CXX, "BBSaveState in memory: end of saving", NO_OTHER_RANKS
)
RESTORE_TIME = Symbol(
    "_Z19bbss_restore_globalPvPci", Kind.CXX, "BBSaveState in memory: set t", NO_OTHER_RANKS
)
RESTORE_CELL = Symbol(
    "_Z12bbss_restorePviiPci", Kind.CXX, "BBSaveState in memory: restore a cell", NO_OTHER_RANKS
)
RESTORE_DONE = Symbol(
    "_Z17bbss_restore_donePv", Kind.CXX, "BBSaveState in memory: end of restoring", NO_OTHER_RANKS
)


def _python(module: str, names: str, purpose: str, without: str = NO_IMPORT) -> tuple[Symbol, ...]:
    """Entries for several names of one module that serve one purpose."""
    return tuple(
        Symbol(f"{module}:{name}", Kind.PYTHON, purpose, without) for name in names.split()
    )


PYTHON_NAMES = (
    *_python(
        "neuron.rxd.rxdmath",
        """
        _Function _Function2 _Product _Quotient _Reaction
        """,
        "tell NEURON's expressions of species apart",
    ),
    *_python(
        "neuron.rxd.rxdmath",
        """
        _ensure_arithmeticed _Arithmeticed _Arithmeticed._items _Arithmeticed._valid_reaction_term
        _Function._obj _Function._fname _Function2._obj1 _Function2._obj2 _Function2._fname
        _Product._a _Product._b _Quotient._a _Quotient._b
        _Reaction._lhs _Reaction._rhs _Reaction._dir Vm._Vm
        """,
        "read NEURON's expressions of species, and make them with other species",
        "rates and reactions raise AttributeError",
    ),
    *_python(
        "neuron.rxd.generalizedReaction",
        "get_scheme_rate1_rate2_regions_custom_dynamics_mass_action",
        "read the arguments of Reaction as NEURON does",
    ),
    *_python("neuron.rxd.species", "_SpeciesMathable", "operators of a species"),
    *_python(
        "neuron.rxd.species",
        "_all_species _get_all_species _defined_species Species._secs",
        "find NEURON's species inside cells and their sections",
        NO_SPECIES_INSIDE,
    ),
    *_python(
        "neuron.rxd.species",
        "Species._regions SpeciesOnRegion._species SpeciesOnRegion._region",
        "the species and region that an expression names",
        NO_REACTIONS,
    ),
    *_python(
        "neuron.rxd.region",
        "Region._geometry Region._secs",
        "sections and areas of a membrane",
        NO_REACTIONS,
    ),
    *_python(
        "neuron.rxd.section1d",
        "Section1D.indices Section1D._sec Section1D._region",
        "rows of a section's states",
        NO_REACTIONS,
    ),
    *_python(
        "neuron.rxd.geometry",
        "RxDGeometry.volumes1d RxDGeometry.is_area",
        "areas of a membrane",
        NO_REACTIONS,
    ),
    *_python(
        "neuron.rxd.node",
        "_get_states _get_data",
        "states and volumes of all species inside cells",
        NO_REACTIONS,
    ),
    *_python(
        "neuron.rxd.rate",
        "Rate._original_rate Rate._species Rate._regions Rate._membrane_flux",
        "run NEURON's rates together with reactions across the membrane",
        NO_REACTIONS,
    ),
    *_python(
        "neuron.rxd.reaction",
        "Reaction._scheme Reaction._original_rate_f Reaction._original_rate_b Reaction._regions "
        "Reaction._custom_dynamics Reaction._do_init",
        "run NEURON's reactions together with reactions across the membrane",
        NO_REACTIONS,
    ),
    *_python(
        "neuron.rxd.multiCompartmentReaction",
        "MultiCompartmentReaction._scale_by_area MultiCompartmentReaction._membrane_flux",
        "run NEURON's reactions together with reactions across the membrane",
        NO_REACTIONS,
    ),
    *_python(
        "neuron.rxd.rxd",
        "_all_reactions _register_reaction _unregister_reaction clear_rates",
        "take reactions from NEURON and give them back",
        NO_REACTIONS,
    ),
    *_python(
        "neuron.rxd.rxd",
        "_do_nbs_register",
        "register NEURON's own rxd before ecsmpi, so that it comes first in each phase",
    ),
    *_python(
        "neuron.rxd.rxd",
        "_after_advance _setup _init",
        "find the functions in which an interrupt by Ctrl-C has to wait",
        "an interrupt inside NEURON's own rxd may be lost",
    ),
    *_python(
        "neuron.rxd.rxd",
        "_setup_matrices _setup_memb_currents",
        "end NEURON's solver inside cells when its last species has gone",
        "a run after the last species inside cells was deleted raises AttributeError",
    ),
    *_python(
        "neuron.rxd.initializer", "is_initialized", "has NEURON's rxd planned already?", NO_START
    ),
    *_python(
        "neuron.rxd.section1d",
        "_SectionLookup _SectionLookup._instance",
        "keep NEURON's list of sections with species in order when species go",
        NO_START,
    ),
    *_python(
        "neuron.rxd.section1d",
        "_purge_cptrs _SectionLookup.Lookup.rxd_sec_list _SectionLookup.Lookup.nrn_sec_list",
        "keep NEURON's list of sections with species in order when species go",
        NO_SPECIES_INSIDE,
    ),
    *_python(
        "neuron",
        "_id_savestates",
        "check what Python modules saved along with SaveState",
        "restarts raise AttributeError",
    ),
)

C_SYMBOLS = tuple(value for value in list(globals().values()) if isinstance(value, Symbol))
TABLE = (*C_SYMBOLS, *PYTHON_NAMES)
