"""Scores that do not come from an index alone: made by pair scorers or imported, stored by frame, and read as an index's are."""
