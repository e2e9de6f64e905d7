"""MLLMs that come with the package."""

from __future__ import annotations

#: Name to checkpoint folder inside the package.
BUNDLED = {"micro-smolvlm": "microworld/models/micro-smolvlm/checkpoint"}
