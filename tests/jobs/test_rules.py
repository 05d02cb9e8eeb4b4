from datetime import timedelta

from qe_ban.jobs import rules


def test_waits_grow_up_to_fifteen_minutes():
    waits = [rules.wait_after(attempts) for attempts in range(1, 40)]
    assert waits[:3] == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=15)


def test_a_message_is_tried_for_about_an_hour():
    whole = sum((rules.wait_after(attempts) for attempts in range(1, rules.ATTEMPTS)), timedelta())
    assert timedelta(minutes=30) < whole < timedelta(hours=2)
