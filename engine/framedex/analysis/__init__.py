"""Analysis: answered questions in, tables and findings out.

    from framedex.analysis import analyze
    analysis = analyze([Path("RUN")])
    analysis.accuracy[0].accuracy.value

One module per statistic; each says what it is, where it comes from, and what it is not.
"""

from framedex.analysis.analyze import TABLES, Analysis, analyze, check_table
from framedex.analysis.interval import Resampling

__all__ = ["TABLES", "Analysis", "Resampling", "analyze", "check_table"]
