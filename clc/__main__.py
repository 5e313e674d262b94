"""``python -m clc``: the command line."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    try:
        from clc.cli import main
    except KeyboardInterrupt:
        sys.exit(130)
    main()
