"""Order features so that neighbours are alike, and lay the order out like text, clusters
unbroken."""

from relatent.ordering.orders import METHODS, order_features, path_length
from relatent.ordering.similarity import constant_features, neighbour_correlations
from relatent.ordering.typesetting import clusters, default_columns, typeset, wrap

__all__ = [
    "METHODS",
    "clusters",
    "constant_features",
    "default_columns",
    "neighbour_correlations",
    "order_features",
    "path_length",
    "typeset",
    "wrap",
]
