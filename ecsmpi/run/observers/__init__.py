"""What observes a run: files, progress, diagnostics, and objects of scripts."""
