"""What can be refused about long jobs, and how a job itself says that it cannot be done."""

from qe_ban.kernel.errors import Conflict, Forbidden, NotFound


class JobNotFound(NotFound):
    """No such job, or it is outside what the caller answers for."""

    code = "jobs.not_found"
    detail = "没有这个任务"


class NotRunning(Conflict):
    """The job is over: there is nothing left to cancel."""

    code = "jobs.not_running"
    detail = "任务已经结束，无法取消"


class NotResumable(Conflict):
    """The job is done: there is nothing left to go on with."""

    code = "jobs.not_resumable"
    detail = "任务已经完成，无法继续"


class OtherPlace(Forbidden):
    """The job was asked for in a place that the caller does not answer for (any more)."""

    code = "jobs.other_place"
    detail = "任务属于其他区市或部门，不能继续"


class JobFailed(Conflict):
    """A runner's word that the job cannot be done; the message is Chinese, for whoever asked for it.

    Raised outside a step: inside one, what the step did (its faults too) would be rolled back with it.
    """

    code = "jobs.failed"
    detail = "任务未能完成"
