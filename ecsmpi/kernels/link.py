"""Makes libraries of the loops that numba has compiled in this process: see library.py.

    numba's code of a loop --LLVM--> object, which may lie anywhere in memory --+
    functions for Python that call the loops, the list of contents -------------+--> a library
    what numba's code expects of numba -----------------------------------------+

The instructions of a loop are those that numba would run, so that its numbers are the same to the
last bit. The machine's linker makes the library; where there is none, there are no libraries, and
each rank loads its loops with numba.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding as llvm
from llvmlite import ir
from numba.core.registry import cpu_target

from ecsmpi.kernels import calls, library
from ecsmpi.kernels.library import CONTENTS, NDARRAY, WORKERS
from ecsmpi.kernels.link_folders import link_folder
from ecsmpi.kernels.python_functions import LONG, PythonFunction
from ecsmpi.kernels.records import Fields, kind_of
from ecsmpi.kernels.support import SUPPORT


class NotLinked(Exception):
    """There is no linker, or code needs what only numba has."""


class LinkerFailed(Exception):
    """The linker failed, which it may not do again: the disk was full, or it was killed."""


class Libraries:
    """Makes a library of what numba runs between `begin` and `write`."""

    def __init__(self) -> None:
        self._codegen = cpu_target.target_context.codegen()
        target = llvm.Target.from_triple(llvm.get_process_triple())
        self._machine = target.create_target_machine(
            cpu=self._codegen._get_host_cpu_name(),
            features=self._codegen._tm_features,
            opt=numba.config.OPT,  # type: ignore[attr-defined]  # set at run time
            reloc="pic",
            codemodel="default",
        )
        self._calls: dict[str, tuple] = {}
        self._functions: dict[str, Any] = {}
        self._modules: list[ir.Module] = []
        calls.listeners.append(self._note)

    def begin(self) -> None:
        """Forget what was run before."""
        self._calls = {}
        self._functions = {}
        self._modules = []

    def add_function(self, name: str, compiled: Any) -> None:
        """Put one of numba's C functions into the library, under a name."""
        self._functions[name] = compiled

    def add_module(self, module: ir.Module) -> None:
        """Put a module into the library; the library lists all that the module defines."""
        self._modules.append(module)

    def _note(self, name: str, function: Any, arguments: tuple) -> None:
        """Put a loop into the library that was called with such arguments."""
        kinds = Fields(tuple(map(kind_of, arguments)))
        places = getattr(function, "places", ())
        given = tuple(map(numba.typeof, (*places, *arguments)))
        code = getattr(function, "compiled", function).overloads[given]
        self._calls[f"{name} {kinds}"] = (name, function, code, kinds, given)

    def write(self, path: Path) -> None:
        """Write the library. Raises NotLinked."""
        objects = [_emitted(self._machine, llvm.parse_assembly(SUPPORT))]
        seen: set[str] = set()
        loops: dict[str, list[str]] = {}
        module = ir.Module("ecsmpi_loops")
        for word in (NDARRAY, WORKERS):
            ir.GlobalVariable(module, LONG, word).initializer = LONG(0)
        for number, (name, function, code, kinds, given) in enumerate(self._calls.values()):
            symbols = []
            for body in getattr(function, "bodies", ()):
                symbols.append(self._c_function(body.compiled, objects, seen))
            self._emit(code.library, code.fndesc.mangled_name, objects, seen)
            symbol = f"ecsmpi_loop_{number}"
            PythonFunction(module, symbol, code, symbols, kinds.kinds, given)
            loops.setdefault(name, []).append(symbol)
        functions = {}
        for name, compiled in self._functions.items():
            functions[name] = self._c_function(compiled, objects, seen)
        for further in self._modules:
            objects.append(_emitted(self._machine, llvm.parse_assembly(str(further))))
            functions |= {symbol: symbol for symbol in _defined(further)}
        contents = json.dumps({"loops": loops, "functions": functions}).encode() + b"\0"
        kind = ir.ArrayType(ir.IntType(8), len(contents))
        text = ir.GlobalVariable(module, kind, CONTENTS)
        text.initializer = ir.Constant(kind, bytearray(contents))
        text.global_constant = True
        objects.append(_emitted(self._machine, llvm.parse_assembly(str(module))))
        _link(objects, path)

    def _c_function(self, compiled: Any, objects: list[bytes], seen: set[str]) -> str:
        """The symbol of one of numba's C functions, whose code joins the objects."""
        self._emit(compiled._library, compiled.native_name, objects, seen)
        return compiled.native_name

    def _emit(self, code_library: Any, symbol: str, objects: list[bytes], seen: set[str]) -> None:
        """Add the object that defines a symbol, unless it has been added."""
        if symbol in seen:
            return
        seen.add(symbol)
        module = code_library._get_module_for_linking().clone()
        for function in module.functions:
            if not function.is_declaration:
                function.linkage = "external" if function.name == symbol else "internal"
        # without the functions that convert Python's objects
        passes = llvm.create_new_module_pass_manager()
        passes.add_global_dead_code_eliminate_pass()
        builder = llvm.create_pass_builder(self._machine, llvm.create_pipeline_tuning_options())
        passes.run(module, builder)
        objects.append(_emitted(self._machine, module))


def _defined(module: ir.Module) -> list[str]:
    """The symbols that a module defines."""
    found = []
    for name, value in module.globals.items():
        is_declared = value.is_declaration if isinstance(value, ir.Function) else False
        if not is_declared:
            found.append(name)
    return found


def _emitted(machine: Any, module: Any) -> bytes:
    module.verify()
    return machine.emit_object(module)


def _link(objects: list[bytes], path: Path) -> None:
    """Make a library of objects, in one step as others may read it.

    Raises NotLinked or LinkerFailed.
    """
    linker = library.linker()
    if linker is None:
        raise NotLinked(f"none of {', '.join(library.LINKERS)} is on PATH")
    with link_folder(path.parent) as folder:
        made = folder / "library.so"
        names = []
        for number, content in enumerate(objects):
            name = folder / f"{number}.o"
            name.write_bytes(content)
            names.append(str(name))
        command = [linker, "-shared", "-o", str(made), *names, "-lm"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise LinkerFailed(f"{linker} ended with status {done.returncode}: {done.stderr}")
        try:
            ctypes.CDLL(str(made))
        except OSError as error:  # it calls what only numba has
            raise NotLinked(str(error)) from None
        library.seal(made)
        os.replace(made, path)
