"""Question sets: what is asked of which video."""

from __future__ import annotations

from framedex.datasets.questions import Question, read_questions

__all__ = ["Question", "read_questions"]
