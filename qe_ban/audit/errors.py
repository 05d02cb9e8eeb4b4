"""What the audit refuses with."""

from qe_ban.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class AlarmNotFound(NotFound):
    """No alarm has this id."""

    code = "audit.alarm_not_found"
    detail = "没有这条告警"


class AlarmClosed(Conflict):
    """Somebody closed it before."""

    code = "audit.alarm_closed"
    detail = "此告警已经处置"


class AlarmAboutCaller(Forbidden):
    """The alarm is about whoever wants to close it."""

    code = "audit.alarm_about_caller"
    detail = "不能处置与本人有关的告警，请由他人处置"


class NoteRefused(Invalid):
    """The note names a person by number: alarms are kept for long and hold nobody's."""

    code = "audit.note_refused"
    detail = "处置说明不得填写证件号码或手机号码"
