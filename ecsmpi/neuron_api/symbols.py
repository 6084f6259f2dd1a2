"""Every private name of NEURON that ecsmpi uses: one table.

Private is what NEURON does not document for Python. A symbol is a name that the linker knows, in
NEURON's library; hoc's own Symbols are called hoc Symbols. The rest of this package finds symbols
through `library`, whose functions take an entry of the table, so none can be used without being
listed. Private names of neuron.rxd are ordinary attributes in the code; a test compares them with
the table.

Where NEURON's public C interface (neuronapi.h) reaches, the entry is one of its functions. What it
does not reach: counts of structure changes, the ranks of a sub-world, sizes of mechanisms, the
callbacks of a step, the exchange of spikes, and saved states cell by cell.

`ecsmpi doctor` prints the entries that the installed NEURON lacks.

ecsmpi also relies on layouts and numbers of NEURON, which have no name to look up. These are
checked at run time:

    place of tp_call in NEURON's types            neuron_calls: found once, or nothing is installed
    place of the hoc Symbol in NEURON's objects   neuron_calls: found once, or no waiting is watched
    record of a mechanism                         before_currents: found, or NEURON's potentials
    text of a pointer (repr)                      pointers: anything else counts as gone
    format of SaveState                           state.savestate_format: Malformed
    format of BBSaveState                         state.bbsavestate_format: Malformed

These are not checked at run time; the comparisons of ecsmpi's tests with NEURON would fail:

    first pointer that is a mechanism's own: 2    mechanisms.FIRST_OWN_POINTER
    method codes of nonvint blocks                run.neuron_hooks: STRUCTURE and the next three
    C signatures of callbacks                     native_callbacks, gids
    C signatures of NEURON's functions            where `library.function` is called

Not listed: names of neuron.rxd's modules without an underscore that `rxd_names` imports.
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
class Entry:
    """One private name of NEURON.

    Attributes
    ----------
    name : symbol of the library, or ``module:name`` of a Python name; ``module:Class.name`` is an
        attribute of the class or of its objects
    kind : where the name is looked up
    purpose : what ecsmpi uses it for
    without : what happens where NEURON lacks it, with the time and kind of the failure
    versions : versions of NEURON in which it was found, releases first
    """

    name: str
    kind: Kind
    purpose: str
    without: str
    versions: tuple[str, ...] = ("9.0.2", "9.1.0.dev28")

    @property
    def attribute(self) -> str:
        """The last part of the name, which stands in the code."""
        return self.name.rpartition(":")[2].rpartition(".")[2]


NO_IMPORT = "at import: ecsmpi.rxd cannot be imported"
NO_START = "at n.finitialize: AttributeError"
NO_CHECKPOINT = "at checkpoints on several ranks: an error"
NO_GIDS = "at n.finitialize on several ranks, at checkpoints and reports: AttributeError"
NO_OTHER_RANKS = "checkpoints cannot be continued on other ranks: AttributeError"
SLOWER = "slower: NEURON computes the reversal potentials itself"
NO_REACTIONS = "where reactions cross the membrane: AttributeError"
NO_SPECIES_INSIDE = "in models with species inside cells: AttributeError"

# NEURON's C interface

HOC_SYMBOL = Entry("nrn_symbol", Kind.C_API, "hoc Symbol of a variable or function", NO_IMPORT)
ACCESSED_SECTION = Entry("nrn_cas", Kind.C_API, "pointer to a section", NO_IMPORT)
PUSH_RANGE_VARIABLE = Entry(
    "nrn_rangevar_push", Kind.C_API, "address of a range variable at a segment", NO_IMPORT
)
POP_ADDRESS = Entry(
    "nrn_double_ptr_pop", Kind.C_API, "address of a range variable at a segment", NO_IMPORT
)
RELEASE_OBJECT = Entry(
    "nrn_object_unref", Kind.C_API, "release NEURON's object of a Python cell", NO_GIDS
)

# C

STRUCTURE_CHANGES = Entry(
    "structure_change_cnt", Kind.C, "notice that NEURON moved its variables", NO_IMPORT
)
DIAMETER_CHANGES = Entry(
    "diam_change_cnt", Kind.C, "notice that NEURON's geometry changed", NO_IMPORT
)
CHANGE_WAITS = Entry(
    "v_structure_change", Kind.C, "notice, and ask for, a pending change of structure", NO_IMPORT
)
MECHANISM_COUNT = Entry(
    "n_memb_func", Kind.C, "notice that mechanisms were loaded", "at n.finitialize: ValueError"
)
POINTER_COUNTS = Entry(
    "nrn_prop_dparam_size_",
    Kind.C,
    "range of places in a mechanism that may keep an event",
    "at the restart of a checkpoint with events of mechanisms: ValueError",
)
THREADS = Entry("nrn_threads", Kind.C, "argument of the exchange of spikes", NO_CHECKPOINT)
RANKS = Entry(
    "nrnmpi_numprocs",
    Kind.C,
    "number of ranks of NEURON's world, before a ParallelContext exists and in every read",
    NO_IMPORT,
)
RANK = Entry("nrnmpi_myid", Kind.C, "this rank in NEURON's world", NO_IMPORT)
ALL_RANKS = Entry(
    "nrnmpi_numprocs_world",
    Kind.C,
    "a forked child stands for one rank",
    "an error in a forked child ends all ranks",
)
PRINTS_ERRORS = Entry(
    "hoc_execerror_messages", Kind.C, "keep NEURON silent about an exception of ours", NO_IMPORT
)
INTRACELLULAR_BLOCK = Entry(
    "rxd_nonvint_block", Kind.C, "order of ecsmpi's step and NEURON's own rxd", NO_IMPORT
)
SET_BLOCK = Entry("set_nonvint_block", Kind.C, "be called in every step of NEURON", NO_IMPORT)
UNSET_BLOCK = Entry(
    "unset_nonvint_block", Kind.C, "order of ecsmpi's step and NEURON's own rxd", NO_IMPORT
)

# C++

MECHANISM_RECORDS = Entry(
    "memb_func", Kind.CXX, "compute reversal potentials before NEURON evaluates currents", SLOWER
)
NERNST_COEFFICIENT = Entry(
    "_Z15nrn_nernst_coefi", Kind.CXX, "R T / (z F) at NEURON's temperature, bit for bit", SLOWER
)
EXCHANGE_SPIKES = Entry(
    "_Z18nrn_spike_exchangeP9NrnThread",
    Kind.CXX,
    "deliver pending spikes before a checkpoint",
    NO_CHECKPOINT,
)
ITERATE_GIDS = Entry(
    "_Z15nrn_gidout_iterPFviP6ObjectE",
    Kind.CXX,
    "the gids of this rank",
    NO_GIDS,
)
SAVE_COUNTS = Entry(
    "_Z18bbss_buffer_countsPiPS_S0_S_",
    Kind.CXX,
    "BBSaveState in memory: sizes of the cells' states",
    NO_OTHER_RANKS,
)
SAVE_CELL = Entry(
    "_Z9bbss_savePviPci", Kind.CXX, "BBSaveState in memory: save a cell", NO_OTHER_RANKS
)
SAVE_DONE = Entry(
    "_Z14bbss_save_donePv", Kind.CXX, "BBSaveState in memory: end of saving", NO_OTHER_RANKS
)
RESTORE_TIME = Entry(
    "_Z19bbss_restore_globalPvPci", Kind.CXX, "BBSaveState in memory: set t", NO_OTHER_RANKS
)
RESTORE_CELL = Entry(
    "_Z12bbss_restorePviiPci", Kind.CXX, "BBSaveState in memory: restore a cell", NO_OTHER_RANKS
)
RESTORE_DONE = Entry(
    "_Z17bbss_restore_donePv", Kind.CXX, "BBSaveState in memory: end of restoring", NO_OTHER_RANKS
)


def _python(module: str, names: str, purpose: str, without: str = NO_IMPORT) -> tuple[Entry, ...]:
    """Entries for several names of one module that serve one purpose."""
    return tuple(Entry(f"{module}:{name}", Kind.PYTHON, purpose, without) for name in names.split())


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
        "at rates and reactions: AttributeError",
    ),
    *_python(
        "neuron.rxd.generalizedReaction",
        "get_scheme_rate1_rate2_regions_custom_dynamics_mass_action",
        "read the arguments of Reaction as NEURON does",
    ),
    *_python("neuron.rxd.species", "_SpeciesMathable", "operators of a species"),
    *_python("neuron.rxd.rangevar", "RangeVar", "tell range variables from other rates"),
    *_python(
        "neuron.rxd.species",
        "Species.__del__",
        "end a species that something still holds",
        "where a model's species are forgotten: AttributeError",
    ),
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
        "at n.finitialize after the last species inside cells has gone: AttributeError",
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
        "nrn.Section.hoc_internal_name",
        "know a section again by NEURON's name for it",
        "in models with species inside cells, and at reports: AttributeError",
    ),
    *_python(
        "neuron",
        "_id_savestates",
        "check what Python modules saved along with SaveState",
        "at restarts: AttributeError",
    ),
)

C_SYMBOLS = tuple(value for value in list(globals().values()) if isinstance(value, Entry))
TABLE = (*C_SYMBOLS, *PYTHON_NAMES)
