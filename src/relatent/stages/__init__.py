"""Run the stages, one module each: read parameters and files, call the library, write files."""
