"""Makes venues, the staff who answer for them, and the keys of scanners."""

from uuid import uuid4

import factory
from cryptography.hazmat.primitives.asymmetric import ec

from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, Principal, PrincipalKind
from qe_ban.keys import wrapping
from qe_ban.venues import service

SHINAN, LAOSHAN = "370202", "370212"


class NewVenueFactory(factory.Factory):
    """A hall of its own name in 市南区, for government affairs."""

    class Meta:
        model = service.NewVenue

    name = factory.LazyFunction(lambda: f"办事大厅 {uuid4()}")
    district = SHINAN
    address = "香港中路11号"
    scene = "government"


class AdminFactory(factory.Factory):
    """An administrator of 市南区; `place=Place()` makes one of the city."""

    class Meta:
        model = Principal

    kind = PrincipalKind.STAFF
    id = factory.LazyFunction(new_id)
    scopes = frozenset({"venues.read", "venues.write"})
    session = factory.LazyFunction(new_id)
    roles = frozenset({"district_admin"})
    place = Place(district=SHINAN)


class ScannerKey:
    """A scanner's own key: `jwk` is what it enrols."""

    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        full = wrapping.public_jwk(self.private.public_key(), "")
        self.jwk = {name: full[name] for name in ("kty", "crv", "x", "y")}
