"""Commands for a person's own files; the stages do the same for the pipeline's."""
