"""Pair scorers: networks over a frame and a text together."""
