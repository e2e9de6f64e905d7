"""Encoders that come with the package."""

from __future__ import annotations

#: Name to folder inside the package.
BUNDLED = {"micro-siglip": "microworld/models/micro-siglip/artefact"}
