"""Commands that a person runs: on their own files (rank, mosaic) and on revisions of the
pipeline."""
