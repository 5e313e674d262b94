"""One small Ray for a module: another may start a Ray of its own."""

import warnings

import pytest


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of what Ray will do about accelerators
        ray.init(
            "local",
            num_cpus=3,
            include_dashboard=False,
            object_store_memory=100_000_000,
            log_to_driver=False,
            logging_level="ERROR",
        )
    yield ray
    ray.shutdown()
