"""Provide what several stages use: command lines, parameters, checkpoints, readers of files."""
