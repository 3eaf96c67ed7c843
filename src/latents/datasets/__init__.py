"""The three data sets: fetched, verified, and read as streams."""
