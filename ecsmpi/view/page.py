"""The page: the picture, time below it, and at its side what can be chosen."""

from __future__ import annotations

from pathlib import Path

from trame.ui.vuetify3 import VAppLayout
from trame.widgets import client, html, vtk
from trame.widgets import vuetify3 as v3

HERE = Path(__file__).parent
SCRIPT = {"serve": {"__ecsmpi": str(HERE / "served")}, "scripts": ["__ecsmpi/keys.js"]}

STYLE = """
html { overflow: hidden; }
.stage { position: relative; display: flex; width: 100%; height: 100%; }
.picture { position: relative; flex: 1; min-width: 0; }
.picture *:focus { outline: none; }
.trace-panel { position: relative; width: 350px; overflow: auto; }
.dot { width: 10px; height: 10px; border-radius: 5px; margin-right: 8px; }
.clear-traces { position: absolute; right: 4px; top: 4px; }
.problem { position: absolute; left: 50%; transform: translateX(-50%); top: 12px; z-index: 5;
  max-width: 80%; }
.value { font-variant-numeric: tabular-nums; }
.v-label, .v-selection-control .v-label { font-size: 14px; }
.note { font-size: 12px; line-height: 1.35; opacity: 0.8; }
.time-text { min-width: 11em; font-variant-numeric: tabular-nums; }
"""

DENSE = {"density": "compact", "hide_details": True}


def build(server, render_window, actions):
    """Lay out the page, and return the picture's widget.

    Parameters
    ----------
    server
        Trame's server.
    render_window
        VTK's window that draws.
    actions : Actions
        What the buttons do.
    """
    server.enable_module(SCRIPT)
    server.state.trame__title = "ecsmpi view"
    theme = ("dark ? 'dark' : 'light'",)
    with VAppLayout(server, theme=theme) as layout:
        client.Style(STYLE)
        with v3.VNavigationDrawer(width=310, permanent=True):
            _choices(actions)
        with v3.VFooter(app=True, classes="px-3 py-1", height=56):
            _time(actions)
        with v3.VMain(style="height: 100vh;"), html.Div(classes="stage"):
            with html.Div(classes="picture", raw_attrs=[':data-drawings="drawings"']):
                view = vtk.VtkRemoteView(
                    render_window, interactive_ratio=1, interactive_quality=70, still_quality=95
                )
            v3.VAlert(
                "{{ problem }}",
                v_if=("problem",),
                type="warning",
                density="compact",
                classes="problem",
            )
            _traces(actions)
    layout.root.theme = theme
    return view


def _choices(actions) -> None:
    with html.Div(classes="pa-3"):
        v3.VSelect(
            v_if=("file_titles.length > 1",),
            label="file",
            model_value=("file_number",),
            update_modelValue=(actions.open_file, "[$event]"),
            items=("file_titles",),
            classes="mb-2",
            **DENSE,
        )
        html.Div(
            "{{ file_titles[file_number].title }}",
            v_if=("file_titles.length == 1",),
            classes="text-subtitle-1 font-weight-medium text-truncate mb-2",
        )
        v3.VSelect(
            v_if=("choice_items.length > 1",),
            label="voxels",
            model_value=("choice",),
            update_modelValue=(actions.choose, "[$event]"),
            items=("choice_items",),
            classes="mb-2",
            **DENSE,
        )
        v3.VSelect(
            v_if=("species_items.length > 0",),
            label="species",
            model_value=("species",),
            update_modelValue=(actions.choose_species, "[$event]"),
            items=("species_items",),
            classes="species mb-2",
            **DENSE,
        )
        _parts()
        v3.VDivider(classes="my-2")
        _colours()
        v3.VDivider(classes="my-2")
        _view(actions)
        with html.Div(v_for="note in notes", key="note", classes="note mt-2"):
            html.Span("{{ note }}")


def _switch(name: str, label: str, **more) -> None:
    v3.VCheckbox(v_model=(name,), label=label, classes=name.replace("_", "-"), **DENSE, **more)


def _parts() -> None:
    """What of the field is drawn."""
    _switch("volume_on", "volume", v_if=("has_depth",))
    _slider("opacity", 0.05, 1, 0.05, "volume_on && has_depth", "'opacity ' + opacity")
    for axis in "xyz":
        name = f"slice_{axis}"
        _switch(f"{name}_on", f"slice across {axis}", v_if=(f"{name}_last > 0 || {name}_on",))
        shown = f"{name}_on && {name}_last > 0"
        _slider(name, 0, f"{name}_last", 1, shown, f"'{axis} = ' + {name}_text")
    _switch("surfaces_on", "iso-surfaces")
    _slider(
        "surface_value",
        "value_lo",
        "value_hi",
        "value_step",
        "surfaces_on",
        "Number(surface_value).toPrecision(4) + ' mM'",
    )
    v3.VTextField(
        v_if=("surfaces_on",),
        v_model_lazy=("surface_text",),
        label="also at (mM), such as 5, 8",
        classes="surface-text mb-1",
        **DENSE,
    )
    _switch("between_on", "voxels between two values")
    with html.Div(v_if=("between_on",)):
        v3.VRangeSlider(
            v_model=("between_ends",),
            min=("value_lo",),
            max=("value_hi",),
            step=("value_step",),
            classes="between",
            **DENSE,
        )
        html.Div(
            "{{ between_ends.map((v) => Number(v).toPrecision(4)).join(' to ') }} mM",
            classes="text-caption value",
        )
        html.Div("{{ between_text }}", classes="text-caption value between-text")
    _switch("cells_on", "cells", v_if=("cells_count > 0",))
    shown = "cells_on && cells_count > 0"
    _slider("thickness", 0.1, 3, 0.1, shown, "'thickness × ' + thickness")


def _slider(name: str, lo, hi, step, shown: str, text: str) -> None:
    with html.Div(v_if=(shown,), classes="d-flex align-center"):
        v3.VSlider(
            v_model=(name,),
            min=(str(lo),),
            max=(str(hi),),
            step=(str(step),),
            classes=f"slider-{name.replace('_', '-')}",
            **DENSE,
        )
        html.Span(f"{{{{ {text} }}}}", classes="text-caption value ml-2 text-no-wrap")


def _colours() -> None:
    v3.VSelect(
        v_model=("colours",),
        label="colours",
        items=("colour_items",),
        classes="colours",
        **DENSE,
    )
    v3.VSelect(
        v_model=("limits_kind",),
        label="from and to",
        items=(
            "[{title: 'all values of all times', value: 'all'},"
            " {title: 'most (99.8 %) of all times', value: 'most'},"
            " {title: 'values of this frame', value: 'frame'},"
            " {title: 'given', value: 'given'}]",
        ),
        classes="limits mt-2",
        **DENSE,
    )
    with html.Div(classes="d-flex mt-2", style="gap: 8px"):
        for end, label in (("limits_lo", "from (mM)"), ("limits_hi", "to (mM)")):
            v3.VTextField(
                v_model_lazy=(end,),
                label=label,
                disabled=("limits_kind != 'given'",),
                classes=end.replace("_", "-"),
                **DENSE,
            )
    _switch("logarithmic", "logarithmic")


def _view(actions) -> None:
    with html.Div(classes="d-flex align-center", style="gap: 4px"):
        v3.VBtn("3-D", size="small", variant="tonal", click=actions.look_first)
        for axis in "xyz":
            v3.VBtn(
                axis,
                size="small",
                variant="tonal",
                classes=f"look-{axis}",
                click=(actions.look_along, f"['{axis}']"),
            )
        v3.VBtn(
            icon="mdi-camera",
            size="small",
            variant="text",
            title="save the picture",
            click="utils.download(species + '.png', trigger('picture'), 'image/png')",
        )
        v3.VBtn(
            icon="mdi-reload",
            size="small",
            variant="text",
            title="look at the file again",
            classes="look-again",
            click=actions.look_again,
        )
    with html.Div(classes="d-flex"):
        _switch("axes_on", "axes")
        _switch("dark", "dark")
    v3.VTextField(
        v_model=("point_text",),
        label="trace at x y z (µm), or click",
        classes="point-text mt-1",
        enter=(actions.add_point, "[point_text]"),
        __events=[("enter", "keydown.enter")],
        **DENSE,
    )


def _time(actions) -> None:
    v3.VBtn(
        icon=("playing ? 'mdi-pause' : 'mdi-play'",),
        size="small",
        classes="play",
        title="play or pause: space",
        disabled=("frame_count < 2",),
        click=actions.toggle,
    )
    v3.VBtn(
        icon="mdi-repeat",
        size="small",
        variant=("repeating ? 'tonal' : 'text'",),
        title="play again from the first frame",
        click="repeating = !repeating",
    )
    v3.VSlider(
        v_model=("frame_number",),
        min=0,
        max=("Math.max(frame_count - 1, 0)",),
        step=1,
        disabled=("frame_count < 2",),
        classes="time-slider mx-3",
        **DENSE,
    )
    html.Div("{{ time_text }}", classes="time-text text-body-2 font-weight-medium")
    html.Div(
        "frame {{ frame_count ? frame_number + 1 : 0 }} of {{ frame_count }}",
        classes="frame-text text-caption mx-2 value",
    )
    v3.VChip("following", v_if=("following",), size="small", color="primary", classes="mr-2")
    v3.VSelect(
        v_model=("fps",),
        items=(
            "[{title: '2 / s', value: 2}, {title: '4 / s', value: 4},"
            " {title: '8 / s', value: 8}, {title: '15 / s', value: 15},"
            " {title: '30 / s', value: 30}]",
        ),
        style="max-width: 100px",
        title="frames a second",
        **DENSE,
    )


def _traces(actions) -> None:
    with v3.VCard(v_if=("traces.length > 0",), classes="trace-panel pa-2", rounded=0):
        v3.VBtn(
            icon="mdi-close",
            size="x-small",
            variant="text",
            title="no traces",
            classes="clear-traces",
            click=actions.clear_traces,
        )
        with html.Div(
            v_for="trace in traces",
            key="trace.place",
            classes="trace text-caption value d-flex align-center",
        ):
            html.Span(classes="dot", style=("{background: trace.colour}",))
            html.Span("{{ trace.place }}", classes="mr-3")
            html.Span("{{ trace.value }}", classes="trace-value font-weight-medium")
        html.Div(v_html=("chart",))
