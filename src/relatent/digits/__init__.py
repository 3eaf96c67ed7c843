"""Digits: binary pixels, files, and a classifier that judges generated ones."""
