"""What a run has to say, in figures, numbers and pages.

``sections`` are the records: one figure with its numbers each. ``summary`` fills them from a run
in a single pass, ``figures`` draws them, and ``sources`` reads what can be reported on.

``problems`` are the texts behind the numbers, ``page`` is the document around both, and ``write``
puts it on the disk.
"""

from clc.analysis.report.sources import open_sources
from clc.analysis.report.write import Report, write_report

__all__ = ["Report", "open_sources", "write_report"]
