"""Figures, one module per family: each reads result files, never models, and looks by
`style.mplstyle`."""
