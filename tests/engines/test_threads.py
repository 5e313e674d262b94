"""The number of threads of the transformers engine on a CPU, chosen by what steps take."""

import pytest

from clc.engines.transformers.threads import ThreadChoice


class Machine:
    """Takes ``seconds[threads]`` for a step."""

    def __init__(self, seconds, most):
        self.seconds, self.now, self.threads, self.used = seconds, 0.0, most, []
        self.choice = ThreadChoice(most, self.set, lambda: self.now)

    def set(self, threads):
        self.threads = threads

    def run(self, steps):
        for _ in range(steps):
            with self.choice.step():
                self.now += self.seconds[self.threads]
                self.used.append(self.threads)
        return self.choice.threads


def test_fewer_threads_are_taken_where_they_are_faster_and_more_when_they_are_again():
    machine = Machine({1: 0.09, 2: 0.19}, most=2)
    assert machine.run(20) == machine.threads == 1
    machine.run(200)
    assert machine.used[-150:].count(2) <= 4
    machine.seconds = {1: 0.09, 2: 0.05}
    assert machine.run(500) == machine.threads == 2


@pytest.mark.parametrize("best", [1, 2, 4, 8])
def test_the_best_number_is_found_by_halves(best):
    seconds = {number: 0.1 + abs(number - best) for number in (1, 2, 4, 8)}
    assert Machine(seconds, most=8).run(2000) == best


def test_a_small_difference_changes_nothing():
    machine = Machine({1: 0.095, 2: 0.1}, most=2)
    assert machine.run(1000) == machine.threads == 2


def test_a_step_that_fails_is_not_compared():
    machine = Machine({1: 0.1, 2: 0.2}, most=2)
    machine.run(7)
    with pytest.raises(ValueError, match="no memory"), machine.choice.step():
        raise ValueError("no memory")
    assert machine.run(20) == 1
