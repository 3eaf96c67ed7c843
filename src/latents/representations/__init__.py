"""Plain representations, and classifiers that judge any."""
