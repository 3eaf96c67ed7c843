"""Training loop, checkpoints, probes and random streams that all networks share."""
