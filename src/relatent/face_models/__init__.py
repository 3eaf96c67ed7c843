"""Models that learn from frontal faces."""
