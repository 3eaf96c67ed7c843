"""Numbers of arrays; knows no model."""
