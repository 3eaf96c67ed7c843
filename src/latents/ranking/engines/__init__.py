"""Ways to rank; all give the same numbers."""
