"""Fits of single series: made once, on any number of processes the same, and none stops another."""

from __future__ import annotations

import multiprocessing.spawn
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import pytest

from monitor.detection.fitting import Fitting, Job, Recent, current, using
from monitor.errors import DidNotConverge
from monitor.panel import Floats

LONG, SHORT = 1000.0, 0.001  # what a fit is said to take: worth processes of its own, and not
UNSETTLED, DEADLY = -1.0, -2.0


def _fit(figures: Floats) -> Floats:
    """Say what was given and where; give up on one input, and end the process of another."""
    if figures[0] == UNSETTLED:
        raise DidNotConverge("no")
    if figures[0] == DEADLY:
        os._exit(3)
    return np.array([figures[0] ** 0.5, os.getpid()])


def _jobs(*numbers: float) -> list[Job]:
    return [(np.array([number]),) for number in numbers]


def _found(fitting: Fitting, *numbers: float, seconds: float = SHORT, settings: object = 1) -> list[Floats | None]:
    return fitting.found(_fit, _jobs(*numbers), settings=settings, seconds=seconds)


def _numbers(found: list[Floats | None]) -> list[float | None]:
    return [None if one is None else float(one[0]) for one in found]


@pytest.fixture
def counted() -> tuple[Callable[[Floats], Floats], list[float]]:
    made: list[float] = []

    def fit(figures: Floats) -> Floats:
        made.append(float(figures[0]))
        return _fit(figures)

    return fit, made


def test_a_fit_is_made_once_for_the_same_input_and_settings(counted: tuple[Callable[[Floats], Floats], list[float]]) -> None:
    fit, made = counted
    fitting = Fitting(memory=Recent())
    for _ in range(2):
        found = fitting.found(fit, _jobs(4, 9, 4, UNSETTLED), settings=1, seconds=SHORT)
        assert _numbers(found) == [2, 3, 2, None]
    assert made == [4, 9, UNSETTLED]
    fitting.found(fit, _jobs(4), settings=2, seconds=SHORT)
    fitting.found(fit, [(np.array([4.0, 0.0]),)], settings=1, seconds=SHORT)
    fitting.found(fit, [(np.array([4.0], np.float32),)], settings=1, seconds=SHORT)
    assert made == [4, 9, UNSETTLED, 4, 4, 4]


def test_processes_find_the_same_and_are_as_many_as_have_enough_to_do() -> None:
    numbers = [*map(float, range(12)), UNSETTLED]
    here, apart = (_found(Fitting(workers=workers, memory=Recent()), *numbers, seconds=0.4) for workers in (1, 8))
    assert _numbers(here) == _numbers(apart)
    pids = {one[1] for one in apart if one is not None}
    assert os.getpid() not in pids
    assert len(pids) <= 2  # 13 fits take 5.2 s


class _Kept(Recent):
    def __init__(self) -> None:
        super().__init__()
        self.keys: set[str] = set()

    def keep(self, found: Mapping[str, bytes]) -> None:
        self.keys |= set(found)
        super().keep(found)


def test_a_process_that_dies_takes_no_other_fit_with_it_and_is_not_remembered() -> None:
    memory = _Kept()
    found = _found(Fitting(workers=2, memory=memory), 1, 4, DEADLY, 9, UNSETTLED, 16, seconds=LONG)
    assert _numbers(found) == [1, 2, None, 3, None, 4]
    assert len(memory.keys) == 5
    assert _numbers(_found(Fitting(memory=memory), 1, 4, 9, UNSETTLED, 16)) == [1, 2, 3, None, 4]


def _ask(figures: Floats) -> Floats:
    raise ZeroDivisionError


def test_a_mistake_in_a_fit_is_not_hidden() -> None:
    for workers in (1, 2):
        with pytest.raises(ZeroDivisionError):
            Fitting(workers=workers, memory=Recent()).found(_ask, _jobs(1, 2), settings=1, seconds=LONG)


def test_without_processes_fits_are_made_here() -> None:
    multiprocessing.spawn.set_executable("/bin/false")
    try:
        found = _found(Fitting(workers=2, memory=Recent()), 1, 4, 9, seconds=LONG)
    finally:
        multiprocessing.spawn.set_executable(sys.executable)
    assert _numbers(found) == [1, 2, 3]
    assert {one[1] for one in found if one is not None} == {os.getpid()}


@pytest.mark.parametrize(("workers", "seconds"), [(1, LONG), (2, SHORT), (8, 0.05)])
def test_few_fits_are_not_worth_a_process(workers: int, seconds: float) -> None:
    found = _found(Fitting(workers=workers, memory=Recent()), *range(1, 21), seconds=seconds)
    assert {one[1] for one in found if one is not None} == {os.getpid()}


def test_a_wait_is_shown_fit_by_fit() -> None:
    shown: list[object] = []

    @contextmanager
    def progress(label: str, total: int) -> Iterator[Callable[[str], None]]:
        shown.append((label, total))
        yield lambda step: shown.append(1)
        shown.append("end")

    fitting = Fitting(memory=Recent(), progress=progress)
    _found(fitting, 1, 4, 4)
    assert shown == []
    _found(fitting, 1, 9, 16, seconds=LONG)
    assert shown == [("fitting", 2), 1, 1, "end"]


def test_what_was_found_before_an_interrupt_is_kept(counted: tuple[Callable[[Floats], Floats], list[float]]) -> None:
    fit, made = counted
    memory = Recent()

    @contextmanager
    def impatient(label: str, total: int) -> Iterator[Callable[[str], None]]:
        def step(words: str) -> None:
            if len(made) == 2:
                raise KeyboardInterrupt

        yield step

    with pytest.raises(KeyboardInterrupt):
        Fitting(memory=memory, progress=impatient).found(fit, _jobs(1, 4, 9), settings=1, seconds=LONG)
    Fitting(memory=memory).found(fit, _jobs(1, 4, 9), settings=1, seconds=SHORT)
    assert made == [1, 4, 9]


def test_a_memory_forgets_the_oldest() -> None:
    memory = Recent(most=2)
    memory.keep({"a": b"1", "b": b"2"})
    memory.keep({"c": b"3"})
    assert memory.recall(["a", "b", "c"]) == {"b": b"2", "c": b"3"}


def test_a_desk_says_how_within_a_block_only() -> None:
    before, fitting = current(), Fitting(workers=3)
    with using(fitting):
        assert current() is fitting
    assert current() is before
