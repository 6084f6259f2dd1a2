"""Pages of the API reference: a block of names becomes what the code says of each.

    ```{reference}
    ecsmpi.rxd.Output       a class with all that it has for scripts, or a function
    ```
    ```{summary}
    rxd/observers           a table of the names on a page: the first sentence of each
    ```
    ```{arguments}
    ```                     a table of every argument and attribute of all pages

A page itself describes names that are not ecsmpi's own:

    ````{py:class} Region(secs=None)
    :module: ecsmpi.rxd

    What it is, in one sentence that the table takes over.
    ````

No word is copied by hand, so the pages and the docstrings cannot differ.
"""

import ast
import functools
import importlib
import inspect
import re
import sys
import types
from pathlib import Path

from command_line import escaped
from numpydoc.docscrape import NumpyDocString
from sphinx.addnodes import desc_signature
from sphinx.util.inspect import TypeAliasForwardRef

DOCS = Path(__file__).resolve().parents[1]
FOLDER = "reference"
BLOCK = re.compile(r"^```\{(reference|summary|arguments)\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WRITTEN = re.compile(r"^`{4}\{py:\w+\} (\w+).*\n:module: (\S+)\n+(.+)$", re.MULTILINE)
OPERATORS = ("__getitem__", "__call__", "__contains__", "__len__", "__iter__")
SECTIONS = ("Parameters", "Attributes")


def pages():
    """Return {page: text} of the pages with blocks or entries, in alphabetical order."""
    found = {}
    for path in sorted((DOCS / FOLDER).rglob("*.md")):
        text = path.read_text()
        if BLOCK.search(text) or WRITTEN.search(text):
            found[path.relative_to(DOCS).with_suffix("").as_posix()] = text
    return found


def names_in(text, kind="reference"):
    """Return the words of a page's blocks of a kind."""
    return [word for found, body in BLOCK.findall(text) if found == kind for word in body.split()]


def found_object(name):
    """Return the object of a dotted name."""
    module, _, last = name.rpartition(".")
    importlib.import_module(module)
    return getattr(sys.modules[module], last)


@functools.cache
def shown_classes():
    """Return {class: its dotted name} of the classes that some page shows."""
    found = {}
    for text in pages().values():
        for name in names_in(text):
            if inspect.isclass(found_object(name)):
                found[found_object(name)] = name
    return found


def is_property(value):
    """Whether a class has a property, rather than a field, under a name."""
    return isinstance(value, (property, functools.cached_property))


def is_method(value):
    """Whether a class has a method under a name."""
    return isinstance(value, (types.FunctionType, classmethod, staticmethod))


def members(kind):
    """Return the methods and properties that a class's own entry shows.

    Those of a base that a page shows have their entry there, unless the class hides other ones of
    that base. Python's own need no entry.
    """
    from ecsmpi.rxd.stand_in import hidden_names

    hidden = hidden_names(kind)
    elsewhere = []
    for base in kind.__mro__[1:]:
        if base in shown_classes() and not hidden - hidden_names(base) & set(dir(base)):
            elsewhere.append(base)
    chosen = []
    for name in dir(kind):
        owner = next(base for base in kind.__mro__ if name in vars(base))
        value = vars(owner)[name]
        is_member = is_property(value) or is_method(value)
        is_for_scripts = name[0] != "_" or name.startswith("_ref_") or name in OPERATORS
        if not (is_member and is_for_scripts and owner.__module__.startswith("ecsmpi")):
            continue
        if name in hidden or any(hasattr(base, name) for base in elsewhere):
            continue
        if inspect.getdoc(getattr(kind, name)) or name not in OPERATORS:
            chosen.append(name)
    return chosen


def doc_of(thing):
    """Return the parsed docstring of an object."""
    return NumpyDocString(inspect.getdoc(thing) or "")


def first_sentence(text):
    """Return the first sentence of lines of reStructuredText, as Markdown."""
    words = " ".join(text.split()).replace("``", "`")
    return escaped(re.split(r"(?<=\.) (?=[A-Z])", words)[0])


def _reference(body):
    lines = ["```{eval-rst}"]
    for name in body.split():
        thing = found_object(name)
        if not inspect.isclass(thing):
            lines += [f".. autofunction:: {name}", ""]
            continue
        if issubclass(thing, Exception):
            lines += [f".. autoexception:: {name}", ""]
            continue
        own = members(thing)
        plain = [one for one in own if one[0] != "_"]
        pointers = [one for one in own if one.startswith("_ref_")]
        operators = [one for one in own if one in OPERATORS]
        lines.append(f".. autoclass:: {name}")
        for option, chosen in (
            ("members", [*plain, *pointers, *operators]),
            ("private-members", pointers),
            ("special-members", operators),
        ):
            if chosen:
                lines.append(f"   :{option}: {', '.join(chosen)}")
        lines.append("")
    return "\n".join([*lines, "```"])


def _summary(body):
    lines = ["| name | what it is |", "|---|---|"]
    for page in body.split():
        text = (DOCS / FOLDER / f"{page}.md").read_text()
        for name in names_in(text):
            sentence = first_sentence("\n".join(doc_of(found_object(name))["Summary"]))
            lines.append(f"| {{py:obj}}`{_short(name)} <{name}>` | {sentence} |")
        for name, module, said in WRITTEN.findall(text):
            lines.append(f"| {{py:obj}}`{name} <{module}.{name}>` | {said} |")
    return "\n".join(lines)


def _short(name):
    return name.rpartition(".")[2]


def described():
    """Return {(argument or attribute, its owner, the entry that tells of it): text}."""
    found = {}
    for text in pages().values():
        for name in names_in(text):
            thing = found_object(name)
            _add_entries(found, name, thing)
            for member in members(thing) if inspect.isclass(thing) else ():
                value = inspect.getattr_static(thing, member)
                if member in OPERATORS:
                    continue
                if is_method(value):
                    _add_entries(found, f"{name}.{member}", getattr(thing, member))
                else:
                    sentence = "\n".join(doc_of(value)["Summary"])
                    found[member, name, f"{name}.{member}"] = sentence
    return found


def _add_entries(found, name, thing):
    for section in SECTIONS:
        for entry in doc_of(thing)[section]:
            for one in entry.name.split(", "):
                found[one.lstrip("*"), name, name] = "\n".join(entry.desc)


def _arguments(_body):
    rows = []
    for (argument, owner, entry), text in described().items():
        link = f"{{py:obj}}`{_owner_in_short(owner)} <{entry}>`"
        rows.append(f"| `{argument}` | {link} | {first_sentence(text)} |")
    rows.sort(key=str.lower)
    return "\n".join(["| name | of | what it is |", "|---|---|---|", *rows])


def _owner_in_short(owner):
    """Return the class, and the method if there is one, without modules."""
    words = owner.split(".")
    first = next((n for n, word in enumerate(words) if word[0].isupper()), len(words) - 1)
    return ".".join(words[first:])


MAKERS = {"reference": _reference, "summary": _summary, "arguments": _arguments}


def expanded(text):
    """Return a page's text with the blocks made."""
    return BLOCK.sub(lambda block: MAKERS[block[1]](block[2]), text)


def keywords_of(function, parameter):
    """Return {keyword: its type} of a parameter ``**name: Unpack[TypedDict]``; {} of any other."""
    packed = re.fullmatch(r"Unpack\[(\w+)\]", str(parameter.annotation))
    if packed is None:
        return {}
    module = sys.modules[function.__module__]
    for node in ast.walk(ast.parse(inspect.getsource(module))):  # imported for types alone
        if isinstance(node, ast.ImportFrom) and packed[1] in [one.name for one in node.names]:
            kind = getattr(importlib.import_module(node.module), packed[1])
            return {name: one.__forward_arg__ for name, one in kind.__annotations__.items()}
    raise LookupError(f"{function.__qualname__}: no import of {packed[1]}")


def _show_keywords(app, what, name, thing, options, signature, returns):
    """Show each keyword of a parameter ``**name: Unpack[TypedDict]``."""
    if what not in ("function", "method") or "Unpack[" not in (signature or ""):
        return None
    parameter = list(inspect.signature(thing).parameters.values())[-1]
    words = [f"{name}: {kind} = ..." for name, kind in keywords_of(thing, parameter).items()]
    return re.sub(r"\*\*\w+: [^=]*$", ", ".join(words) + ")", signature), returns


def _hide_signature(app, what, name, thing, options, signature, returns):
    """Show no arguments of a class whose docstring has none: scripts do not make its objects."""
    if what != "class" or not signature:
        return None
    said = [
        base for base in thing.__mro__ if base in shown_classes() and doc_of(base)["Parameters"]
    ]
    return None if said else ("", returns)


def _leave_out_sources_of_neuron(app, doctree):
    """Let viewcode, which comes next, show the sources of ecsmpi alone."""
    for signature in doctree.findall(desc_signature):
        module = signature.get("module")
        if module == "ecsmpi.rxd":
            thing = found_object(f"{module}.{signature['fullname'].partition('.')[0]}")
            if getattr(thing, "__module__", "").startswith("neuron."):
                signature["module"] = ""


def _expand(app, docname, source):
    if docname.startswith(f"{FOLDER}/"):
        source[0] = expanded(source[0])


def _reread(app, env, added, changed, removed):
    """The pages are read anew in each build: docstrings may have changed, and no file tells."""
    shown_classes.cache_clear()
    return [page for page in pages() if page in env.found_docs]


def setup(app):
    """Make the blocks when a page is read."""
    # Sphinx shows a name of autodoc_type_aliases within a union by its repr.
    TypeAliasForwardRef.__repr__ = lambda alias: alias.name
    app.connect("autodoc-process-signature", _hide_signature)
    app.connect("autodoc-process-signature", _show_keywords)
    app.connect("doctree-read", _leave_out_sources_of_neuron, priority=400)
    app.connect("source-read", _expand)
    app.connect("env-get-outdated", _reread)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
