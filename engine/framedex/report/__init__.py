"""Reports: self-contained HTML pages, everything inlined, every text escaped."""
