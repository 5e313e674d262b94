"""Engines as TOML files: read, checked, frozen into one record, opened."""

from __future__ import annotations

from clc.engines.engine_file.parse import load_engine_file
from clc.engines.engine_file.record import EngineSpec

__all__ = ["EngineSpec", "load_engine_file"]
