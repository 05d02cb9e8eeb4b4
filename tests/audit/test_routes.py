from datetime import timedelta
from uuid import uuid4

import pytest

from qe_ban.audit import service
from tests.audit.conftest import MOMENT


@pytest.fixture
def subject(database):
    """A subject with five events, an hour apart."""
    name = f"venue-{uuid4()}"
    with database.transaction() as session:
        for hour in range(5):
            service.record(
                session,
                at=MOMENT + timedelta(hours=hour),
                actor=None,
                action="venues.create",
                subject=name,
                details={"after": {"hour": hour}},
            )
            session.flush()
    return name


def hours(answer):
    assert answer.status_code == 200, answer.json
    return [event["details"]["after"]["hour"] for event in answer.json["items"]]


def test_an_auditor_reads_events_newest_first(caller, subject):
    answer = caller(f"?subject={subject}")
    assert hours(answer) == [4, 3, 2, 1, 0]
    assert answer.json["next"] is None
    event = answer.json["items"][-1]
    assert event.pop("id").isdigit()
    assert event == {
        "at": "2026-10-02T08:00:00Z",
        "actor_kind": None,
        "actor_id": None,
        "action": "venues.create",
        "subject": subject,
        "details": {"after": {"hour": 0}},
        "case_number": None,
        "request_id": None,
    }


def test_pages_hang_together(caller, subject):
    all_hours, cursor = [], ""
    while cursor is not None:
        answer = caller(f"?subject={subject}&limit=2{cursor and '&cursor=' + cursor}")
        all_hours += hours(answer)
        cursor = answer.json["next"]
    assert all_hours == [4, 3, 2, 1, 0]


def test_times_narrow_what_is_read(caller, subject):
    assert hours(caller(f"?subject={subject}&since=2026-10-02T09:00:00Z&until=2026-10-02T19:00:00%2B08:00")) == [2, 1]


def test_reading_is_recorded_with_its_request(caller, subject, auditor):
    caller(f"?subject={subject}&action=venues.create")
    (event,) = caller(f"?actor={auditor.id}").json["items"]
    assert (event["action"], event["subject"], event["actor_kind"]) == ("audit.read", "audit", "staff")
    assert event["details"]["criteria"] == {"subject": subject, "action": "venues.create"}
    assert event["request_id"]


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("nobody", 401), ("city", 403)])
def test_only_auditors_read(caller, token, status):
    assert caller(token=token).status_code == status


@pytest.mark.parametrize(
    "query",
    [
        "?unknown=1",
        "?limit=0",
        "?limit=101",
        "?limit=1e1",
        "?cursor=abc",
        "?cursor=WyJhIl0",
        "?cursor=WzFd.",
        "?cursor=Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ",
        "?actor=x",
        "?since=yesterday",
        "?since=2026-10-02T09:00:00",
        "?until=0000-01-01T00:00:00Z",
        "?since=0001-01-01T00:00:00%2B23:59",
        "?subject=%00",
        "?subject=%E2%80%AE",
        "?subject=",
        "?action=a&action=b",
    ],
)
def test_a_bad_query_is_refused_in_chinese_and_reads_nothing(caller, auditor, query):
    answer = caller(query)
    assert answer.status_code in {400, 422}
    assert answer.content_type == "application/problem+json"
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.json["detail"])
    assert caller(f"?actor={auditor.id}").json["items"] == []


@pytest.mark.parametrize("subject", ["'; DROP TABLE audit_events; --", "%25' OR 1=1 --", "%0D%0ASet-Cookie: a=b"])
def test_what_looks_like_code_is_only_text(caller, subject):
    answer = caller(f"?subject={subject}")
    assert answer.status_code == 422 or answer.json["items"] == []
    assert "Set-Cookie" not in answer.headers


def test_the_log_takes_no_writing(caller):
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = caller(method=method)
        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]
    assert caller(data="{}", content_type="application/json").status_code == 400
