"""Faces from photographs: landmarks, a head fitted to them, frontal views, LFW's protocol."""

from relatent.faces.frontalize import Frontal, Symmetry, align, crop, frontalize, normalise
from relatent.faces.shape import Frame, Shape, fit_shape

__all__ = [
    "Frame",
    "Frontal",
    "Shape",
    "Symmetry",
    "align",
    "crop",
    "fit_shape",
    "frontalize",
    "normalise",
]
