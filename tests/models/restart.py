"""A second initialisation after the morphology changed, and a time step that changes on the way.

The first 30 steps run with other cells: then one cell gets more segments, one goes, one comes and
one moves.
"""

from harness import my_cells, n, run, rxd, stick

STARTS = ((10, 10, 10), (40, 15, 30), (20, 60, 20), (70, 40, 45))


def cell(number, nseg):
    x, y, z = STARTS[number]
    sec = stick(number, (x, y, z), (x + 15, y + 20, z - 7), diam=1 + number, nseg=nseg)
    sec.insert("steady_k")
    for seg in sec:
        seg.steady_k.rate = 0.002 * (1 + number)
    return sec


cells = {number: [cell(number, 3)] for number in my_cells(3)}
ecs = rxd.Extracellular(
    0, 0, 0, 100, 90, 60, dx=(10, 9, 8), volume_fraction=0.2, tortuosity=1.6
)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 3 + 0.01 * node.x3d)

n.dt = 1
n.finitialize(-65)
for _ in range(30):
    n.fadvance()

if 0 in cells:
    cells[0][0].nseg = 11
    for seg in cells[0][0]:
        seg.steady_k.rate = 0.004
if 1 in cells:
    # NEURON's rxd would keep a section alive that is only forgotten.
    n.delete_section(sec=cells.pop(1)[0])
if 2 in cells:
    for i in range(cells[2][0].n3d()):
        x, y, z = (
            coordinate(i) for coordinate in (cells[2][0].x3d, cells[2][0].y3d, cells[2][0].z3d)
        )
        cells[2][0].pt3dchange(i, x + 31, y - 17, z + 9, 2.5)
if 3 in my_cells(4):
    cells[3] = [cell(3, 5)]

done = 0


def advance_with_changing_dt(step):
    """Steps of 4 ms up to the 100th, of 2.5 ms from there."""
    global done
    while done < step:
        n.dt = 4 if done < 100 else 2.5
        n.fadvance()
        done += 1


run(4, {"k": k[ecs]}, cells, ("ko",), advance_with_changing_dt)
