"""Plain representations, and classifiers of any representation."""
