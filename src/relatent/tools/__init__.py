"""Commands for a person: on their own files (rank, mosaic) and on revisions of the pipeline."""
