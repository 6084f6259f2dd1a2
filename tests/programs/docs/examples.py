"""Run the examples of all docstrings on the pages of the reference: examples.py MODEL.py

MODEL.py makes the model that they begin with.
"""

import doctest
import inspect
from pathlib import Path
import sys

from ecsmpi import rxd
import reference


def documented_objects():
    """(dotted name, object) of each entry of the pages, and of each member of a class."""
    for text in reference.pages().values():
        for name in reference.names_in(text):
            thing = reference.found_object(name)
            yield name, thing
            for member in reference.members(thing) if inspect.isclass(thing) else ():
                yield f"{name}.{member}", getattr(thing, member)


def run_examples(name, thing, model):
    """Run the examples of one docstring; returns how many lines there were, and what failed."""
    rxd.reset()
    rxd.options.grid_steps = 1  # which an example changes
    test = doctest.DocTestParser().get_doctest(
        inspect.getdoc(thing) or "", {}, name, None, None
    )
    if not test.examples:
        return doctest.TestResults(0, 0)
    exec(model, test.globs)
    return doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)


if __name__ == "__main__":
    model = Path(sys.argv[1]).read_text()
    results = [run_examples(name, thing, model) for name, thing in documented_objects()]
    failed = sum(result.failed for result in results)
    with_examples = sum(result.attempted > 0 for result in results)
    print(f"{with_examples} docstrings with examples, {failed} lines failed")
    sys.exit(bool(failed))
