"""This process connected to the Ray of all tests, for a module."""

import warnings

import pytest


@pytest.fixture(scope="module")
def ray(ray_address):
    ray = pytest.importorskip("ray")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of what Ray will do about accelerators
        ray.init(ray_address, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()
