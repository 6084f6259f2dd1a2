"""Pictures and movies of what files have: sections, traces, kymographs, reports, spikes."""
