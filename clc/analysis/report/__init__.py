"""Reports on runs: figures, tables and HTML pages.

``sections`` are the records, each a figure with its numbers. ``summary`` fills them from a run in a
single pass, ``figures`` plots them (``charts`` and ``line_charts``, in colours of ``theme``), and
``sources`` reads runs and recorded generations.

``problems`` are the texts behind the numbers, ``page`` is the HTML document, and ``write`` writes
it to disk.
"""

from clc.analysis.report.sources import open_sources
from clc.analysis.report.write import Report, write_report

__all__ = ["Report", "open_sources", "write_report"]
