"""Engines that rank; all give the same numbers."""
