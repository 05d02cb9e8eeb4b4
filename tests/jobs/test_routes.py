"""The interface of jobs over HTTP: shapes, rights, refusals, and what bad input may not do."""

from uuid import uuid4

import pytest

from qe_ban.accounts.rules import STAFF_SCOPES
from qe_ban.jobs import routes, service
from qe_ban.kernel.errors import AuthenticationRequired
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, PrincipalKind
from qe_ban.web import application, guard, parts
from tests.factories.venues import LAOSHAN, AdminFactory
from tests.jobs.runners import counting

BOTH = frozenset({"jobs.read", "jobs.manage"})
CITY, OWNER, COLLEAGUE, LAOSHANS, READER, NOBODY, RESIDENT, SCANNER = (
    "city", "owner", "colleague", "laoshan", "reader", "nobody", "resident", "scanner",
)  # fmt: skip
NO_JOB = "0199a1b2-0000-7000-8000-000000000000"
SHAPE = {
    "id", "kind", "state", "phase", "done", "total", "percent", "result", "error",
    "created_at", "started_at", "finished_at",
}  # fmt: skip


@pytest.fixture
def callers():
    return {
        CITY: AdminFactory(place=Place(), scopes=BOTH),
        OWNER: AdminFactory(scopes=BOTH),
        COLLEAGUE: AdminFactory(scopes=BOTH),
        LAOSHANS: AdminFactory(place=Place(district=LAOSHAN), scopes=BOTH),
        READER: AdminFactory(scopes=frozenset({"jobs.read"})),
        NOBODY: AdminFactory(scopes=frozenset({"me.read"})),
        RESIDENT: AdminFactory(kind=PrincipalKind.RESIDENT, scopes=frozenset({"codes.read"}), place=Place()),
        SCANNER: AdminFactory(kind=PrincipalKind.SCANNER, scopes=frozenset({"codes.verify"}), place=Place()),
    }


@pytest.fixture
def owner(callers):
    return callers[OWNER]


@pytest.fixture
def call(settings, database, callers, clock):
    def principal_from(token):
        try:
            return callers[token]
        except KeyError:
            raise AuthenticationRequired from None

    app, api = application.build(settings, clock, name="jobs-tests")
    parts.provide(app, database)
    guard.install(app, principal_from)
    api.register_blueprint(routes.blp)
    client = app.test_client()

    def do(method, path, *, token=OWNER, headers=None, **more):
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        return client.open(f"/api/v1/jobs{path}", method=method, headers={**authorization, **(headers or {})}, **more)

    return do


def refused(answer, status, code):
    assert (answer.status_code, answer.json.get("code")) == (status, code), answer.json
    assert answer.content_type == "application/problem+json"
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.json["detail"])


def test_a_job_shows_how_far_it_is_and_what_was_wrong(call, start, runner_of):
    def run(work):
        with work.step() as session:
            work.fault(session, [service.Fault(service.Severity.ERROR, "须为整数", "事项", 7, "承诺办结时限")])
            work.fault(session, [service.Fault(service.Severity.WARNING, "请核对")])
            work.save(session, phase="checking", progress=500, total=2000, result={"created": 3})
        raise service.JobFailed("文件有误，未导入任何内容")

    job_id = start()
    waiting = call("GET", f"/{job_id}").json
    assert set(waiting) == SHAPE | {"faults"}
    assert (waiting["state"], waiting["percent"], waiting["faults"]) == ("queued", None, [])
    runner_of(run).run_pending()
    answer = call("GET", f"/{job_id}")
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    job = answer.json
    assert (job["state"], job["phase"], job["done"], job["total"], job["percent"]) == (
        "failed", "checking", 500, 2000, 25,
    )  # fmt: skip
    assert job["error"] == "文件有误，未导入任何内容"
    assert job["result"] == {"created": 3, "faults": {"error": 1, "warning": 1}}
    assert job["faults"] == [
        {"severity": "warning", "sheet": None, "row": None, "column": None, "message": "请核对"},
        {"severity": "error", "sheet": "事项", "row": 7, "column": "承诺办结时限", "message": "须为整数"},
    ]
    assert job["finished_at"].endswith("Z")


def test_who_polls_gets_it_only_when_it_changed(call, start, runner_of):
    job_id = start()
    first = call("GET", f"/{job_id}")
    condition = {"If-None-Match": first.headers["ETag"]}
    assert call("GET", f"/{job_id}", headers=condition).status_code == 304
    runner_of(counting(2)).run_pending()
    second = call("GET", f"/{job_id}", headers=condition)
    assert (second.status_code, second.json["state"], second.json["percent"]) == (200, "done", 100)
    assert "private" in second.headers["Cache-Control"]


def test_ten_thousand_faults_are_a_thousand_shown_and_all_counted(call, start, runner_of):
    def run(work):
        for _ in range(4):
            with work.step() as session:
                work.fault(session, [service.Fault(service.Severity.ERROR, "有误", row=row) for row in range(2500)])

    job_id = start()
    runner_of(run).run_pending()
    job = call("GET", f"/{job_id}").json
    assert len(job["faults"]) == 1000
    assert job["result"]["faults"] == {"error": 10_000, "warning": 0}


def test_a_job_is_cancelled_and_resumed(call, start):
    path = f"/{start()}"
    for act, state in (("cancel", "cancelled"), ("cancel", "cancelled"), ("resume", "queued"), ("resume", "queued")):
        answer = call("POST", f"{path}/{act}")
        assert (answer.status_code, answer.json["state"]) == (200, state)
        assert set(answer.json) == SHAPE
        assert call("GET", path).json["state"] == state


def test_what_is_over_is_refused_in_words(call, start, runner_of):
    path = f"/{start()}"
    runner_of(counting(1)).run_pending()
    refused(call("POST", f"{path}/cancel"), 409, "jobs.not_running")
    refused(call("POST", f"{path}/resume"), 409, "jobs.not_resumable")
    assert call("GET", path).json["state"] == "done"


@pytest.mark.parametrize(
    ("token", "read", "manage"),
    [
        (CITY, 200, 200),
        (OWNER, 200, 200),
        (COLLEAGUE, 200, 200),
        (LAOSHANS, 404, 404),
        (READER, 200, 403),
        (NOBODY, 403, 403),
        (RESIDENT, 403, 403),
        (SCANNER, 403, 403),
        (None, 401, 401),
        ("forged", 401, 401),
    ],
)
def test_who_may_what(call, start, token, read, manage):
    job_id = str(start())
    assert call("GET", f"/{job_id}", token=token).status_code == read
    for act in ("cancel", "resume"):
        assert call("POST", f"/{job_id}/{act}", token=token).status_code == manage
    page = call("GET", "?limit=100", token=token)
    if read in (401, 403):
        assert page.status_code == read
    else:
        assert (job_id in {job["id"] for job in page.json["items"]}) == (read == 200)
    state = call("GET", f"/{job_id}", token=CITY).json["state"]
    assert state == "queued"


def test_the_roles_that_have_the_scopes():
    having = {scope: {role for role, scopes in STAFF_SCOPES.items() if scope in scopes} for scope in BOTH}
    assert having["jobs.read"] == having["jobs.manage"] == {"city_admin", "district_admin", "editor", "system_admin"}


def test_another_districts_job_and_one_that_never_was_are_not_told_apart(call, start):
    for target in (str(start()), NO_JOB, str(new_id())):
        refused(call("GET", f"/{target}", token=LAOSHANS), 404, "jobs.not_found")
        for act in ("cancel", "resume"):
            refused(call("POST", f"/{target}/{act}", token=LAOSHANS), 404, "jobs.not_found")


def test_lists_come_in_pages_newest_first_and_without_faults(call, callers, start, runner_of):
    me = callers["me"] = AdminFactory(place=Place(hall=f"h-{uuid4()}"), scopes=BOTH)
    job_ids = [str(start(owner=me, place=me.place)) for _ in range(3)]
    runner_of(counting(2)).run_pending()
    first = call("GET", "?limit=2", token="me").json
    second = call("GET", f"?limit=2&cursor={first['next']}", token="me").json
    assert [job["id"] for job in first["items"] + second["items"]] == job_ids[::-1]
    assert second["next"] is None
    assert {frozenset(job) for job in first["items"]} == {frozenset(SHAPE)}


@pytest.mark.parametrize("odd", ["1", "..", "%00", "00000000-0000-0000-0000-00000000000G", "' OR 1=1 --", "A" * 3000])
def test_an_odd_id_in_a_path_is_not_found(call, odd):
    for method, path in (("GET", f"/{odd}"), ("POST", f"/{odd}/cancel"), ("POST", f"/{odd}/resume")):
        assert call(method, path).status_code == 404


@pytest.mark.parametrize(
    "query", ["?limit=0", "?limit=101", "?limit=x", "?cursor=WyIxIl0", "?cursor=bm8", "?state=done", "?limit=1&limit=2"]
)
def test_a_bad_query_is_refused(call, query):
    assert call("GET", query).status_code in {400, 422}


def test_a_body_or_a_parameter_where_none_is_read_is_refused(call, start):
    job_id = start()
    for act in ("cancel", "resume"):
        assert call("POST", f"/{job_id}/{act}", json={"force": True}).status_code == 400
        assert call("POST", f"/{job_id}/{act}?force=1").status_code == 422
    assert call("GET", f"/{job_id}").json["state"] == "queued"


def test_other_methods_are_refused_with_those_that_there_are(call, start):
    answer = call("DELETE", f"/{start()}")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
