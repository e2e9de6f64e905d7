"""TensorRT's own messages, kept until one of our errors tells them."""

from __future__ import annotations

import tensorrt as trt

_KEPT = 5


class Log(trt.ILogger):
    """Keeps the last errors and warnings; prints nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []

    def log(self, severity: trt.ILogger.Severity, msg: str) -> None:
        """Called by TensorRT, from any of its threads."""
        worst = (trt.ILogger.Severity.INTERNAL_ERROR, trt.ILogger.Severity.ERROR, trt.ILogger.Severity.WARNING)
        if severity in worst:
            self._lines = [*self._lines[1 - _KEPT :], msg.strip()]

    def told(self) -> str:
        """What was kept, as one line, and forgotten then."""
        lines, self._lines = self._lines, []
        return " | ".join(lines) or "TensorRT gave no reason"
