"""Semantic hashing."""
