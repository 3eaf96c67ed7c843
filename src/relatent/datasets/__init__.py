"""Fetch, verify and read the three data sets as streams."""
