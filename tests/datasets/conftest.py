"""A folder with one set in three languages."""

import pytest

from tests.datasets.samples import ENGLISH, GERMAN, SWAHILI, write


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "mgsm_de.tsv", GERMAN)
    write(tmp_path, "mgsm_en.tsv", ENGLISH)
    write(tmp_path, "mgsm_sw.tsv", SWAHILI)
    return tmp_path
