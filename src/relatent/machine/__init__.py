"""The processor, and code compiled for it."""
