"""What becomes of statements (a list in JSON), as JSON: `outcomes.py OUTPUT BACKEND STATEMENTS`."""

import json
import sys

from support.model import box, n, rxd  # noqa: F401  the statements use n

statements = json.loads(sys.argv[3])
ecs, far = box(), box(at=500)
k = rxd.Species(ecs, d=2, name="k", charge=1, initial=3)
other = rxd.Species(ecs, name="other")
node = k[ecs].node_by_ijk(1, 2, 3)
part_of_none = rxd.Species(far)[far]
found = {}
for statement in statements:
    try:
        exec(statement, dict(globals()))
        found[statement] = None
    except Exception as error:
        is_rxd_exception = isinstance(error, rxd.RxDException)
        found[statement] = [type(error).__name__, str(error), is_rxd_exception]
print(json.dumps(found))
