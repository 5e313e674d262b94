"""``python -m clc``: the command line."""

from __future__ import annotations

from clc.cli import main

if __name__ == "__main__":
    main()
