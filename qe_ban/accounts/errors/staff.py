"""Why something that staff are or propose is refused."""

from qe_ban.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class StaffInvalid(Invalid):
    """A member of staff cannot be made so: user name, password, roles or place are at fault."""

    code = "accounts.staff_invalid"
    detail = "工作人员账号信息有误"


class StaffExists(Conflict):
    """There is a member of staff with this user name."""

    code = "accounts.staff_exists"
    detail = "该用户名已存在"


class StaffNotFound(NotFound):
    """There is no member of staff with this user name."""

    code = "accounts.staff_not_found"
    detail = "没有这个用户名的工作人员"


class ProposalNotFound(NotFound):
    """No proposal has this id."""

    code = "accounts.proposal_not_found"
    detail = "没有这个待批事项"


class ProposalOver(Conflict):
    """It was approved or withdrawn, or nobody approved it within a day."""

    code = "accounts.proposal_over"
    detail = "该事项已批准、已撤回或已过期"


class ProposalTaken(Conflict):
    """Something else is proposed for the same subject."""

    code = "accounts.proposal_taken"
    detail = "同一对象已有另一待批事项，请先批准或撤回"


class OwnProposal(Conflict):
    """Who proposed it cannot approve it."""

    code = "accounts.own_proposal"
    detail = "须由提出人以外的另一人批准"


class StaffGone(Forbidden):
    """The caller's account was disabled, or has no longer the right, though the token still says so."""

    code = "accounts.staff_gone"
    detail = "您的账号已停用，或不再有批准此事项的权限"


class ProposerGone(Conflict):
    """Who proposed it was disabled since, or has no longer the right; somebody else may propose it anew."""

    code = "accounts.proposer_gone"
    detail = "提出人的账号已停用，或不再有提出此事项的权限，请撤回后由他人重新提出"


class NewcomerRefused(Conflict):
    """One of the two persons got the account or the right within a day, and there are others who have had it longer."""

    code = "accounts.newcomer_refused"
    detail = "提出人或批准人的账号、角色设立或变更未满24小时，请由其他人办理"
