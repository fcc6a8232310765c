"""How a part ended is known until so many others ended after it, also where many threads note at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from monitor.notify.settled import Settled


def test_how_a_part_ended_is_known_until_enough_others_ended() -> None:
    settled: Settled[tuple[str, int], str] = Settled(most=3)
    assert settled.find(("m", 0)) is None
    assert settled.note(("m", 0), "") == ""
    for number in range(1, 4):
        settled.note(("m", number), str(number))
    assert [settled.find(("m", number)) for number in range(4)] == [None, "1", "2", "3"]


def test_threads_that_note_at_once_disturb_none() -> None:
    settled: Settled[int, int] = Settled(most=5)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda n: settled.note(n, n), range(5_000))) == list(range(5_000))
    assert sum(settled.find(number) is not None for number in range(5_000)) == 5
