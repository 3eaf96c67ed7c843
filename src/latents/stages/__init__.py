"""Thin glue, one module per stage: its params section, read files, call the library, write files."""
