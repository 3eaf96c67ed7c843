"""Compiled loops of the ranking."""
