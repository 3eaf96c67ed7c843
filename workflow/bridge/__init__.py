"""Connect Snakemake, which runs the DAG, and DVC, which versions its results."""
