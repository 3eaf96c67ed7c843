"""The bridge between Snakemake, which runs the DAG, and DVC, which versions its results."""
