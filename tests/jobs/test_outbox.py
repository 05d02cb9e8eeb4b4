"""The outbox: what leaves, when, how often, and what becomes of what cannot be delivered."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from qe_ban.jobs import rules, service
from qe_ban.jobs.models import OutboxMessage
from qe_ban.kernel.errors import Unavailable
from tests.factories.waits import HANG_TIMEOUT


@pytest.fixture
def topic():
    return f"test-{uuid4()}"


def enqueue(database, rings, topic, payload, clock, **more):
    with database.transaction() as session:
        service.enqueue(session, rings, topic=topic, payload=payload, now=clock(), **more)


def worker(database, rings, clock, topic, handler):
    return service.Worker(database, rings, clock, {topic: handler}, [])


def rows(database, topic):
    with database.transaction() as session:
        return list(session.scalars(select(OutboxMessage).where(OutboxMessage.topic == topic)))


def later(database, topic, by):
    """Let time pass, by the clock that counts: the database's."""
    values = {column: getattr(OutboxMessage, column) - by for column in ("due_at", "useful_until")}
    with database.transaction() as session:
        session.execute(update(OutboxMessage).where(OutboxMessage.topic == topic).values(values))


def due_in(database, topic):
    with database.transaction() as session:
        wait = OutboxMessage.due_at - func.clock_timestamp()
        return session.scalars(select(wait).where(OutboxMessage.topic == topic)).one().total_seconds()


def findings_of(database, topic):
    with database.transaction() as session:
        return [message for message in service.given_up(session, limit=1000) if message.topic == topic]


def test_a_message_leaves_with_its_payload_and_its_row_goes(database, rings, clock, topic):
    enqueue(database, rings, topic, {"phone": "13800000001", "text": "验证码"}, clock)
    payloads = []
    worker(database, rings, clock, topic, payloads.append).run_pending()
    assert payloads == [{"phone": "13800000001", "text": "验证码"}]
    assert rows(database, topic) == []


def test_a_message_of_a_transaction_that_failed_never_leaves(database, rings, clock, topic):
    def fail():
        with database.transaction() as session:
            service.enqueue(session, rings, topic=topic, payload={"n": "1"}, now=clock())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    payloads = []
    worker(database, rings, clock, topic, payloads.append).run_pending()
    assert payloads == []


def test_a_message_is_not_readable_in_the_table(database, rings, clock, topic):
    enqueue(database, rings, topic, {"phone": "13800000001"}, clock)
    assert b"13800000001" not in rows(database, topic)[0].payload


def test_a_message_is_left_to_a_worker_that_knows_its_topic(database, rings, clock, topic):
    enqueue(database, rings, topic, {"n": "1"}, clock)
    worker(database, rings, clock, f"{topic}-other", pytest.fail).run_pending()
    assert rows(database, topic)[0].attempts == 0


def test_a_failed_message_is_tried_again_later_and_later(database, rings, clock, topic):
    enqueue(database, rings, topic, {"n": "1"}, clock)
    tries = []

    def failing(payload):
        tries.append(payload)
        if len(tries) < 4:
            raise Unavailable

    at_work = worker(database, rings, clock, topic, failing)
    for number, wait in enumerate((2, 4, 8), start=1):
        at_work.run_pending()
        assert wait - 1 < due_in(database, topic) <= wait
        at_work.run_pending()
        assert len(tries) == number
        later(database, topic, timedelta(seconds=wait))
    at_work.run_pending()
    assert rows(database, topic) == []


def test_a_message_that_never_gets_through_is_given_up_as_a_finding_without_its_content(database, rings, clock, topic):
    enqueue(database, rings, topic, {"phone": "13800000001"}, clock)
    tries = []

    def away(payload):
        tries.append(payload)
        raise Unavailable

    at_work = worker(database, rings, clock, topic, away)
    for _ in range(rules.ATTEMPTS + 5):
        at_work.run_pending()
        later(database, topic, rules.LONGEST_WAIT)
    assert len(tries) == rules.ATTEMPTS
    assert [finding.reason for finding in findings_of(database, topic)] == ["unavailable"]
    assert rows(database, topic)[0].payload is None


def test_a_message_of_a_worker_that_died_is_delivered_by_another_after_the_lease(database, rings, clock, topic):
    enqueue(database, rings, topic, {"n": "1"}, clock)

    def dying(payload):
        raise MemoryError

    with pytest.raises(MemoryError):
        worker(database, rings, clock, topic, dying).run_pending()
    payloads = []
    other = worker(database, rings, clock, topic, payloads.append)
    other.run_pending()
    assert payloads == []
    later(database, topic, rules.LEASE)
    other.run_pending()
    assert payloads == [{"n": "1"}]


def test_a_message_that_kills_every_worker_is_given_up(database, rings, clock, topic):
    enqueue(database, rings, topic, {"n": "1"}, clock)

    def dying(payload):
        raise MemoryError

    at_work = worker(database, rings, clock, topic, dying)
    for _ in range(rules.ATTEMPTS):
        with pytest.raises(MemoryError):
            at_work.run_pending()
        later(database, topic, rules.LONGEST_WAIT)
    at_work.run_pending()
    assert [finding.reason for finding in findings_of(database, topic)] == ["worker_died"]


def test_a_message_is_delivered_as_long_as_it_is_of_use(database, rings, clock, topic):
    payloads = []
    enqueue(database, rings, topic, {"otp": "123456"}, clock, useful_until=clock() + timedelta(minutes=5))
    later(database, topic, timedelta(minutes=4))
    worker(database, rings, clock, topic, payloads.append).run_pending()
    assert (payloads, rows(database, topic)) == ([{"otp": "123456"}], [])


def test_a_message_past_its_use_is_dropped(database, rings, clock, topic):
    enqueue(database, rings, topic, {"otp": "123456"}, clock, useful_until=clock() + timedelta(minutes=5))
    later(database, topic, timedelta(minutes=6))
    worker(database, rings, clock, topic, pytest.fail).run_pending()
    assert [finding.reason for finding in findings_of(database, topic)] == ["too_late"]


def test_the_newest_findings_come_first_a_hundred_unless_more_are_wanted(database, rings, clock, topic):
    with database.transaction() as session:
        for number in range(101):
            service.enqueue(session, rings, topic=topic, payload={"n": str(number)}, now=clock())
    # a day ahead, so that no other test's findings are among them
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with database.transaction() as session:
        for number, message in enumerate(session.scalars(select(OutboxMessage).where(OutboxMessage.topic == topic))):
            message.given_up_at = tomorrow + timedelta(seconds=number * 37 % 101)
            message.reason, message.payload = "too_late", None
    with database.transaction() as session:
        findings = service.given_up(session)
    assert {finding.topic for finding in findings} == {topic}
    moments = [finding.at for finding in findings]
    assert (len(moments), moments) == (100, sorted(moments, reverse=True))


def test_a_payload_moved_from_another_row_is_not_delivered(database, rings, clock, topic):
    enqueue(database, rings, topic, {"n": "1"}, clock)
    enqueue(database, rings, topic, {"n": "2"}, clock)
    first, second = rows(database, topic)
    with database.transaction() as session:
        session.execute(update(OutboxMessage).where(OutboxMessage.id == first.id).values(payload=second.payload))
    payloads = []
    worker(database, rings, clock, topic, payloads.append).run_pending()
    assert len(payloads) == 1
    assert [finding.reason for finding in findings_of(database, topic)] == ["seal_broken"]


def test_concurrent_workers_deliver_each_message_once(database, rings, clock, topic):
    with database.transaction() as session:
        for number in range(60):
            service.enqueue(session, rings, topic=topic, payload={"n": str(number)}, now=clock())
    numbers, start = [], threading.Barrier(4)

    def work():
        at_work = worker(database, rings, clock, topic, lambda payload: numbers.append(payload["n"]))
        start.wait()
        at_work.run_pending()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(numbers) == Counter(str(number) for number in range(60))
    assert rows(database, topic) == []


def test_a_message_that_is_slow_to_deliver_is_delivered_by_one_worker(database, rings, clock, topic):
    enqueue(database, rings, topic, {"otp": "123456"}, clock)
    payloads, is_sending, may_end = [], threading.Event(), threading.Event()

    def slow(payload):
        payloads.append(payload)
        is_sending.set()
        assert may_end.wait(HANG_TIMEOUT)

    first = threading.Thread(target=worker(database, rings, clock, topic, slow).run_pending)
    first.start()
    assert is_sending.wait(HANG_TIMEOUT)
    # three seconds pass while the gateway makes up its mind
    later(database, topic, timedelta(seconds=3))
    worker(database, rings, clock, topic, payloads.append).run_pending()
    assert len(payloads) == 1
    assert rules.LEASE.total_seconds() - 5 < due_in(database, topic) <= rules.LEASE.total_seconds()
    may_end.set()
    first.join(HANG_TIMEOUT)
    assert rows(database, topic) == []


@pytest.mark.parametrize("attempts", range(1, 12))
def test_the_lease_of_a_try_is_never_shorter_than_the_wait_after_it(database, rings, clock, topic, attempts):
    enqueue(database, rings, topic, {"n": "1"}, clock)
    with database.transaction() as session:
        statement = update(OutboxMessage).where(OutboxMessage.topic == topic)
        session.execute(statement.values(attempts=attempts - 1))
    leases = []
    worker(database, rings, clock, topic, lambda _: leases.append(due_in(database, topic))).run_pending()
    if attempts > rules.ATTEMPTS:
        assert leases == []
        return
    seconds = max(rules.LEASE, rules.wait_after(attempts)).total_seconds()
    assert seconds - 5 < leases[0] <= seconds
