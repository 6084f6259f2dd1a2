"""Compiled loops: what they are called with, how they are called, where their code is kept."""
