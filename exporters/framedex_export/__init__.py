"""Turns torch checkpoints into encoder artefacts that framedex reads; depends on framedex, never the reverse."""

from framedex import __version__

__all__ = ["__version__"]
