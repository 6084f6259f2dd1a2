"""The drawings of the explanation pages, as SVG in build/drawings."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "drawings"
COLOURS = ("#3b528b", "#21808c", "#b5652b")  # of ranks
GHOST = "#bbbbbb"
PLANES = 12
RANKS = 3
EACH = PLANES // RANKS


def _axes(width, height):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    return figure, axes


def _save(figure, name):
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "ecsmpi", "svg.fonttype": "path"}):
        figure.savefig(FOLDER / name, metadata={"Date": None})


def draw_slabs():
    """Draw three slabs with their ghost planes, and the messages between them."""
    from matplotlib.patches import FancyArrowPatch, Rectangle

    figure, axes = _axes(8, 2.6)
    gap = 3.2  # planes between slabs, for their ghosts
    for rank, colour in enumerate(COLOURS):
        left = rank * (EACH + gap)
        for plane in range(EACH):
            number = rank * EACH + plane
            axes.add_patch(Rectangle((left + plane, 0), 0.92, 3, color=colour))
            axes.text(left + plane + 0.46, 1.5, number, color="white", ha="center", va="center")
        middle = left + EACH / 2
        axes.text(middle, -0.25, f"rank {rank}", ha="center", va="top")
        if rank > 0:
            axes.add_patch(Rectangle((left - 1.1, 0), 0.92, 3, color=GHOST))
            axes.text(left - 0.64, 1.5, rank * EACH - 1, ha="center", va="center")
        if rank < RANKS - 1:
            axes.add_patch(Rectangle((left + EACH + 0.1, 0), 0.92, 3, color=GHOST))
            axes.text(left + EACH + 0.56, 1.5, (rank + 1) * EACH, ha="center", va="center")
            next_left = left + EACH + gap
            forward = ((left + EACH - 0.5, 3.1), (next_left - 0.64, 3.1), -0.4)
            back = ((next_left + 0.46, 3.1), (left + EACH + 0.56, 3.1), 0.4)
            for begin, end, bend in (forward, back):
                arrow = FancyArrowPatch(
                    begin,
                    end,
                    arrowstyle="-|>",
                    mutation_scale=12,
                    connectionstyle=f"arc3,rad={bend}",
                    color="black",
                )
                axes.add_patch(arrow)
    axes.annotate("", (5.5, -1.1), (0, -1.1), arrowprops={"arrowstyle": "->"})
    axes.text(5.7, -1.1, "x", va="center")
    axes.set(xlim=(-0.3, RANKS * (EACH + gap) - gap + 0.3), ylim=(-1.5, 4.6))
    _save(figure, "slabs.svg")


def draw_interfaces():
    """Draw the matrix of a line in three blocks, and the system of its interfaces."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    whole, reduced = figure.subplots(1, 2)
    _draw_matrix(whole)
    _draw_reduced(reduced)
    _save(figure, "interfaces.svg")


def _cell(axes, row, column, colour, text="", edge="white"):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor=edge, linewidth=1))
    ink = "white" if colour in COLOURS else "black"
    axes.text(column + 0.5, row + 0.55, text, ha="center", va="center", fontsize=9, color=ink)


def _frame(axes, count, title):
    axes.set(xlim=(-0.1, count + 0.1), ylim=(count + 0.1, -0.1), aspect="equal", title=title)
    axes.set_axis_off()


def _draw_matrix(axes):
    for row in range(PLANES):
        for column in range(max(0, row - 1), min(PLANES, row + 2)):
            same = row // EACH == column // EACH
            colour = COLOURS[row // EACH] if same else "white"
            _cell(axes, row, column, colour, edge="white" if same else "black")
    _frame(axes, PLANES, "one line along x: 12 planes, 3 blocks")


def _draw_reduced(axes):
    """Rows x_first and x_last of each block, with the columns of the blocks beside it."""
    ends = 2 * RANKS
    for block, colour in enumerate(COLOURS):
        first = 2 * block
        last = first + 1
        _cell(axes, first, first, colour, "1")
        _cell(axes, last, last, colour, "1")
        if block > 0:
            _cell(axes, first, first - 1, "white", "−A", edge="black")
            _cell(axes, last, first - 1, "#eeeeee", "−C", edge=GHOST)
        if block < RANKS - 1:
            _cell(axes, first, last + 1, "#eeeeee", "−B", edge=GHOST)
            _cell(axes, last, last + 1, "white", "−D", edge="black")
    for row in range(ends):
        name = "first" if row % 2 == 0 else "last"
        axes.text(ends + 0.3, row + 0.5, f"block {row // 2}, {name}", va="center", fontsize=9)
    _frame(axes, ends, "its interfaces")
    axes.set_xlim(-0.1, ends + 3)


def draw_checkpoint():
    """Draw which digest covers what in a checkpoint."""
    from matplotlib.patches import Rectangle

    figure, axes = _axes(8, 2.8)
    boxes = [
        (0.0, 0.9, 2.2, "manifest", "model, time, ranks\ndigest of each index\ndigest of itself"),
        (3.4, 1.7, 2.2, "part of rank 0", "index: digest of\neach plane"),
        (3.4, 0.1, 2.2, "part of rank 1", "index: digest of\neach plane"),
        (6.8, 1.7, 2.6, "planes of rank 0", "boxes, tissue, cells,\nvectors, streams"),
        (6.8, 0.1, 2.6, "planes of rank 1", "boxes, tissue, cells,\nvectors, streams"),
    ]
    colours = ("#444444", COLOURS[0], COLOURS[1], COLOURS[0], COLOURS[1])
    for (left, bottom, width, title, text), colour in zip(boxes, colours):
        axes.add_patch(Rectangle((left, bottom), width, 1.3, fill=False, edgecolor=colour, lw=2))
        axes.text(left + 0.12, bottom + 1.14, title, va="top", weight="bold", color=colour)
        axes.text(left + 0.12, bottom + 0.82, text, va="top", fontsize=9)
    for begin, end in (
        ((2.2, 1.75), (3.4, 2.35)),
        ((2.2, 1.35), (3.4, 0.75)),
        ((5.6, 2.35), (6.8, 2.35)),
        ((5.6, 0.75), (6.8, 0.75)),
    ):
        axes.annotate("", end, begin, arrowprops={"arrowstyle": "-|>", "color": "black"})
    axes.set(xlim=(-0.1, 9.5), ylim=(0, 3.1))
    _save(figure, "checkpoint.svg")


def draw_gate():
    """Draw two ranks through a step: the early one waits at the gate for the reading one."""
    from matplotlib.patches import Rectangle

    figure, axes = _axes(8, 2.2)
    gate = 5.0
    bars = [  # (row, begin, end, text, colour)
        (1, 0.0, gate, "script: reads concentrations", GHOST),
        (1, gate, 9.0, "step", COLOURS[0]),
        (0, 0.0, 1.4, "script", GHOST),
        (0, 1.4, 3.2, "step: currents", COLOURS[1]),
        (0, 3.2, gate, "waits", "white"),
        (0, gate, 9.0, "step goes on", COLOURS[1]),
    ]
    for row, begin, end, text, colour in bars:
        box = Rectangle((begin, row), end - begin - 0.05, 0.7, facecolor=colour, edgecolor=GHOST)
        axes.add_patch(box)
        ink = "white" if colour in COLOURS else "black"
        axes.text((begin + end) / 2, row + 0.35, text, ha="center", va="center", color=ink)
    for row in (0, 1):
        axes.text(-0.15, row + 0.35, f"rank {1 - row}", ha="right", va="center")
    axes.plot([gate - 0.025] * 2, [-0.15, 1.95], color="black", lw=2)
    opens = "rank 0 calls for the step: concentrations may change"
    axes.text(gate, 2.0, opens, ha="center", va="bottom")
    axes.annotate("", (9.0, -0.35), (0, -0.35), arrowprops={"arrowstyle": "->"})
    axes.text(9.1, -0.35, "time", va="center")
    axes.set(xlim=(-1.1, 9.8), ylim=(-0.6, 2.4))
    _save(figure, "gate.svg")


def _draw_all(app):
    FOLDER.mkdir(parents=True, exist_ok=True)
    draw_slabs()
    draw_interfaces()
    draw_checkpoint()
    draw_gate()


def setup(app):
    """Draw before the pages are read."""
    app.connect("builder-inited", _draw_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
