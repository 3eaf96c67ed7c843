"""Models as torch modules and plain functions of tensors; they know no stage, no path, no parameter file."""
