"""Text: counts, sequences and their models."""
