"""What scripts can use of ecsmpi, and what the pages of the reference say of it: facts.json."""

import ast
import inspect
import json
from pathlib import Path
import re
import textwrap

import ecsmpi
from ecsmpi import rxd
from neuron import n
import reference

ENTRY = re.compile(
    r"^\.\. auto(?:class|exception|function):: (\S+)\n((?:   :.*\n)*)", re.MULTILINE
)
OPERATORS = set(reference.OPERATORS) - {"__len__", "__iter__", "__contains__"}


def model():
    """One object of each class that a script can come by."""
    soma = n.Section(name="soma")
    soma.insert("hh")
    soma.pt3dadd(-5, 0, 0, 10)
    soma.pt3dadd(5, 0, 0, 10)
    ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=50, volume_fraction=0.2)
    cytosol = rxd.Region([soma], name="cytosol", nrn_region="i")
    membrane = rxd.Region([soma], name="membrane", geometry=rxd.membrane)
    k = rxd.Species(ecs, d=1, name="k", charge=1, initial=3)
    both = rxd.Species([cytosol, ecs], name="na", charge=1, initial=10)
    pump = rxd.MultiCompartmentReaction(
        both[cytosol] > both[ecs], 1, membrane=membrane, custom_dynamics=True
    )
    output = rxd.Output("k.h5", every=1, items=[rxd.Field(k), rxd.Mean(k, axis="z")])
    objects = [
        soma,
        ecs,
        ecs.box,
        k,
        both,
        both.nodes,
        pump,
        output,
        k[ecs],
        k[ecs].nodes,
        k[ecs].nodes[0],
        rxd.Rate(both, -both),
        rxd.Rate(k, -k),
        rxd.Reaction(k, both, 1),
        rxd.Parameter(ecs, value=1),
        rxd.State(ecs, name="a"),
        rxd.Held(1),
        rxd.Bath(1, permeability=1),
        rxd.Field(k),
        rxd.Mean(k, axis="z"),
        rxd.Slice(k, z=0),
        rxd.Subvolume(k),
        rxd.Diagnostics(k, every=1, balance=True),
        rxd.SegmentReport("v.h5"),
        rxd.Spikes("spikes.h5"),
        rxd.Progress(),
        rxd.Observer(),
        rxd.Checkpoint("checkpoints"),
        rxd.phases(),
        rxd.options,
        rxd.options.enable,
    ]
    n.finitialize(-65)
    output.close()
    recording = ecsmpi.load("k.h5")
    return [*objects, recording, recording.selections["k_mean_z"], recording.cells]


def dotted(thing):
    return f"{thing.__module__}.{thing.__qualname__}"


def is_of_ecsmpi(kind, name):
    """Whether a class of ecsmpi, rather than Python's, has the attribute; or the object has it."""
    owners = [base for base in kind.__mro__ if name in vars(base)]
    return not owners or owners[0].__module__.startswith("ecsmpi")


def attributes_of_objects():
    """{class: what its object offers to completion}."""
    found = {}
    for thing in model():
        kind = type(thing)
        if kind.__module__.startswith("ecsmpi"):
            names = [name for name in dir(thing) if name[0] != "_" and is_of_ecsmpi(kind, name)]
            found[dotted(kind)] = names
    return found


def names_on_pages():
    """({dotted name: its members} for each entry, names that the pages themselves describe)."""
    shown = {}
    written = []
    for text in reference.pages().values():
        for name, options in ENTRY.findall(reference.expanded(text)):
            members = re.search(r":members: (.*)", options)
            shown[name] = members[1].split(", ") if members else []
        written += [name for name, _, _ in reference.WRITTEN.findall(text)]
    return shown, written


def described_in_class(kind):
    """Names in the sections of a class's docstring."""
    doc = reference.doc_of(kind)
    entries = [*doc["Parameters"], *doc["Attributes"]]
    return [name for entry in entries for name in entry.name.split(", ")]


def documented_names(shown):
    """{class: what is said of it: its members and sections, and those of its bases on pages}."""
    classes = {}
    for name, members in shown.items():
        kind = reference.found_object(name)
        if inspect.isclass(kind):
            classes[kind] = {*members, *described_in_class(kind)}
    found = {}
    for kind in classes:
        names = [name for base in kind.__mro__ if base in classes for name in classes[base]]
        found[dotted(kind)] = sorted(set(names))
    return found


def entry(name, thing, kind):
    """What the code and its docstring say of an object."""
    doc = reference.doc_of(thing)
    sections = {}
    for section in ("Parameters", "Attributes"):
        sections[section] = [(one.name, one.type, " ".join(one.desc)) for one in doc[section]]
    found = {
        "name": name,
        "kind": kind,
        "text": inspect.getdoc(thing) or "",
        "summary": " ".join(doc["Summary"]),
        "returns": bool(doc["Returns"] or doc["Yields"]),
        **sections,
    }
    if kind == "property":
        function = getattr(thing, "fget", None) or thing.func
        found["type"] = str(inspect.signature(function).return_annotation)
        return found
    signature = inspect.signature(thing)
    found["arguments"] = []
    for one in signature.parameters.values():
        packed = reference.keywords_of(thing, one)
        if one.name != "self":
            found["arguments"] += list(packed.items()) or [(one.name, _words(one.annotation))]
    found["type"] = _words(signature.return_annotation)
    return found


def functions_of(name, thing):
    """(dotted name, object with the docstring, function) of what an entry's calls run first."""
    if not inspect.isclass(thing):
        yield name, thing, thing
        return
    for constructor in ("__new__", "__init__", "__post_init__"):
        if constructor in vars(thing):
            yield name, thing, vars(thing)[constructor]
    for member in reference.members(thing):
        value = inspect.getattr_static(thing, member)
        if isinstance(value, property):
            yield f"{name}.{member}", value, value.fget
            if value.fset:
                yield f"{name}.{member}", value, value.fset
        elif reference.is_method(value):
            yield f"{name}.{member}", value, getattr(value, "__func__", value)


def raised_in(function):
    """The names of the exceptions that a function itself raises."""
    found = set()
    if not Path(inspect.unwrap(function).__code__.co_filename).is_file():
        return found  # made by a dataclass or named tuple
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            found.add(ast.unparse(node.exc.func))
    return {"MissingFeature" if name == "missing" else name for name in found}


def errors(shown):
    """[dotted name, exception, is it in the docstring?] of what functions raise themselves."""
    found = []
    for name in shown:
        for place, documented, function in functions_of(name, reference.found_object(name)):
            text = inspect.getdoc(documented) or ""
            found += [(place, kind, kind in text) for kind in sorted(raised_in(function))]
    return found


def _words(annotation):
    if annotation is inspect.Signature.empty:
        return ""
    return annotation if isinstance(annotation, str) else str(annotation)


def entries(shown):
    """An entry for each object on the pages, and for each member of a class."""
    found = []
    for name, members in shown.items():
        thing = reference.found_object(name)
        is_class = inspect.isclass(thing)
        if is_class and issubclass(thing, Exception):
            continue
        found.append(entry(name, thing, "class" if is_class else "function"))
        for member in members:
            value = inspect.getattr_static(thing, member)
            if reference.is_method(value):
                is_operator = member.startswith("__") and member not in OPERATORS
                if not is_operator:
                    found.append(entry(f"{name}.{member}", getattr(thing, member), "function"))
            else:
                found.append(entry(f"{name}.{member}", value, "property"))
    return found


def inherited_arguments(shown):
    """{class: arguments that its own docstring or that of a base on a page describes}."""
    found = {}
    for name in shown:
        kind = reference.found_object(name)
        if inspect.isclass(kind):
            bases = [base for base in kind.__mro__ if base in reference.shown_classes()]
            described = [reference.doc_of(base)["Parameters"] for base in bases]
            names = [one.name.split(", ") for entries in described for one in entries]
            found[name] = sorted({name for some in names for name in some})
    return found


if __name__ == "__main__":
    shown, written = names_on_pages()
    facts = {
        "rxd": rxd.__all__,
        "ecsmpi": ecsmpi.__all__,
        "shown": sorted(shown),
        "written": written,
        "attributes": attributes_of_objects(),
        "documented": documented_names(shown),
        "entries": entries(shown),
        "class_arguments": inherited_arguments(shown),
        "errors": errors(shown),
        "table": reference.expanded(reference.pages()["reference/arguments"]),
    }
    Path("facts.json").write_text(json.dumps(facts))
