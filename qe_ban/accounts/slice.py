"""What accounts bring: signing in, the caller's own account, wards, and what staff do for people at a counter."""

from typing import Final

from qe_ban.accounts.routes import auth, closing, consents, me, recovery, residents, wards
from qe_ban.composition import Slice
from qe_ban.web.ranks import Operations, Rank

_OWN: Final = (auth.blp, me.blp, consents.blp, closing.blp)
_OWN_CASES: Final = (recovery.mine, wards.mine)

SLICE: Final = Slice(
    name="accounts",
    operations=(
        *(Operations(blueprint, Rank.PEOPLE) for blueprint in _OWN),
        Operations(closing.proofs, Rank.STAFF),
        *(Operations(blueprint, Rank.PEOPLE) for blueprint in _OWN_CASES),
        *(Operations(blueprint, Rank.STAFF) for blueprint in (residents.blp, recovery.blp, wards.window)),
    ),
    scopes=frozenset(
        {"auth.step_up", "me.read", "me.real_name", "me.recovery", "me.consents", "me.wards", "me.close"}
        | {"residents.look_up", "wards.confirm", "proposals.approve"}
        | {"recovery.open", "recovery.read", "recovery.propose", "recovery.settle"}
    ),
)
