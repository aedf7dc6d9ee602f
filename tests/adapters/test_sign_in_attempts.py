"""Guessing passwords is slowed down, on both databases."""

import threading

from adapters.attempts import ACCOUNT, HERE
from adapters.people import Refused, SignedIn
from tests.adapters.office import Office


def _wait(office: Office, **where: str) -> int:
    found = office.tried("wrong", **where)
    assert isinstance(found, Refused)
    return found.wait_ms


def test_guessing_is_slowed_down_more_and_more_and_never_for_good(office: Office) -> None:
    office.wang()
    assert [_wait(office) for _ in range(HERE.free)] == [0] * HERE.free
    waits = []
    for _ in range(14):
        waits.append(_wait(office))
        office.now += waits[-1]
        assert _wait(office) == 0
    assert waits[:4] == [1_000, 2_000, 4_000, 8_000]
    assert waits[-1] == HERE.most_s * 1_000
    office.now += HERE.most_s * 1_000
    assert office.signed_in()
    assert _wait(office) == 0


def test_while_it_is_slowed_down_not_even_the_right_password_is_looked_at(office: Office) -> None:
    office.wang()
    for _ in range(HERE.free):
        _wait(office)
    assert isinstance(office.tried(), Refused)


def test_who_guesses_elsewhere_does_not_shut_out_the_owner_for_more_than_a_minute(office: Office) -> None:
    office.wang()
    for number in range(ACCOUNT.free + 10):
        _wait(office, address=f"10.0.1.{number}")
        office.now += 1
    found = office.tried(address="10.0.0.9")
    assert isinstance(found, Refused)
    assert 0 < found.wait_ms <= ACCOUNT.most_s * 1_000
    office.now += found.wait_ms
    assert isinstance(office.tried(address="10.0.0.9"), SignedIn)


def test_many_attempts_at_once_do_not_slip_through(office: Office) -> None:
    office.wang()
    looked_at: list[int] = []
    threads = [threading.Thread(target=lambda: looked_at.append(_wait(office))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert looked_at.count(0) == HERE.free
