"""The interface of long jobs: how far they are, what was wrong, and a way to stop and to go on."""

from typing import Any
from uuid import UUID

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.jobs import schemas, service
from qe_ban.web import conditional, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import part

blp = Blueprint("jobs", url_prefix="/jobs", description="后台任务")


@blp.route("", methods=["GET"], summary_zh="本人的及所负责范围内的后台任务，新的在前")
@guard.requires("jobs.read")
@blp.query(schemas.JobsQuery)
@blp.response(200, schemas.JobPage)
def list_jobs(query: dict[str, Any]) -> dict[str, Any]:
    """The caller's jobs and those of the place that the caller answers for, newest first."""
    with part(Database).transaction() as session:
        rows = service.list_jobs(
            session, reader=guard.principal(), before=paging.last_id(query["cursor"]), limit=query["limit"] + 1
        )
    return paging.page(rows, query["limit"], lambda job: [str(job.id)])


@blp.route("/<id:job_id>", methods=["GET"], summary_zh="后台任务的进度，及文件中有误之处（工作表、行、列）")
@guard.requires("jobs.read")
@blp.response(200, schemas.JobSchema)
@blp.with_etag
def get_job(job_id: UUID) -> Response:
    """How far a job is, and what was wrong with what it was given, by sheet and row: from top to bottom."""
    with part(Database).transaction() as session:
        job = service.read(session, reader=guard.principal(), job_id=job_id)
    return conditional.respond(schemas.JobSchema().dump(job))


@blp.route(
    "/<id:job_id>/cancel", methods=["POST"], summary_zh="在下一步之前停止任务；已完成的保留，之后可继续；重复操作无影响"
)
@guard.requires("jobs.manage")
@blp.response(200, schemas.JobSummarySchema)
@blp.problems(409)
def cancel_job(job_id: UUID) -> service.JobView:
    """Stop a job before its next step; what it has done stands, and it can go on later. A repeat is harmless."""
    with part(Database).transaction() as session:
        return service.cancel(session, job_id=job_id, change=guard.change())


@blp.route("/<id:job_id>/resume", methods=["POST"], summary_zh="让已取消或失败的任务从中断处继续；重复操作无影响")
@guard.requires("jobs.manage")
@blp.response(200, schemas.JobSummarySchema)
@blp.problems(409)
def resume_job(job_id: UUID) -> service.JobView:
    """Let a job that was cancelled or has failed go on from where it was. A repeat is harmless."""
    with part(Database).transaction() as session:
        return service.resume(session, job_id=job_id, change=guard.change())
