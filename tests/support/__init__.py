"""Tools that tests share: runs of the pipeline, faults, mutations of inputs."""
