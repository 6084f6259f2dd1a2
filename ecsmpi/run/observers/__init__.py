"""Observers of a run: files of concentrations and segments, diagnostics, progress."""
