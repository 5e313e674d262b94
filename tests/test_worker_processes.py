import os
import signal
from multiprocessing import active_children

import pytest

from clc.errors import DatasetError, RunError
from clc.worker_processes import Workers, usable_cores


def square(number):
    if number == 7:
        raise DatasetError.at("f.jsonl", 7, "seven")
    if number == 8:
        raise KeyError("eight")
    if number == 9:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def unportable(_item):
    return lambda: 0


def process(_item):
    return os.getpid()


def interrupted(number):
    os.kill(os.getpid(), signal.SIGINT)
    return number


@pytest.fixture
def workers():
    with Workers(2) as pool:
        yield pool
    assert not active_children()


def collect(results):
    """Return the results before an error, and the error."""
    found = []
    try:
        for one in results:
            found.append(one)  # noqa: PERF402 - those before an error
    except Exception as error:  # noqa: BLE001
        return found, error
    return found, None


def test_results_are_in_the_order_of_the_items(workers):
    assert list(workers.map(square, [*range(7)] * 20)) == [n * n for n in range(7)] * 20
    processes = set(workers.map(process, range(50)))
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert list(workers.map(interrupted, range(3))) == [0, 1, 2]


@pytest.mark.parametrize("count", [1, 2])
def test_results_before_an_error_come_first(count):
    def items():
        yield from (1, 2, 3)
        raise DatasetError.at("g.jsonl", None, "cannot be read")

    with Workers(count) as pool:
        found, error = collect(pool.map(square, [4, 5, 7, 6]))
        assert (found, str(error)) == ([16, 25], "f.jsonl:7: seven")
        assert isinstance(error, DatasetError)
        found, error = collect(pool.map(square, items()))
        assert (found, str(error)) == ([1, 4, 9], "g.jsonl: cannot be read")


def test_an_error_of_our_code_has_its_traceback(workers):
    found, error = collect(workers.map(square, [1, 8]))
    assert found == [1]
    assert isinstance(error, RuntimeError)
    assert "in square" in str(error)
    assert "KeyError: 'eight'" in str(error)
    _, error = collect(workers.map(unportable, [1]))
    assert "pickle" in str(error)


def test_a_lost_process_is_an_error(workers):
    found, error = collect(workers.map(square, [1, 2, 9]))
    assert found == [1, 4]
    assert isinstance(error, RunError)
    assert "exit status -9" in str(error)
    assert "--workers" in str(error)


def test_no_more_items_are_taken_than_the_processes_need(workers):
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number % 5

    results = workers.map(square, items())
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(taken) <= 3 + 2 * 2
    results.close()


def test_one_process_and_little_work_start_no_others():
    with Workers(1) as one, Workers() as several:
        assert set(one.map(process, range(5))) == {os.getpid()}
        if several.count > 1:
            assert set(several.map(process, range(5))) == {os.getpid()}
        assert 1 <= several.count <= usable_cores()
        assert not active_children()
