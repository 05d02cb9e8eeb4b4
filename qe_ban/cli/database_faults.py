"""Says in one line what is wrong with a database or its keys."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util import CommandError
from sqlalchemy import exc

from qe_ban.cli.refusals import Refused
from qe_ban.db.address import AddressInvalid
from qe_ban.db.connecting import ServerRefused
from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.keys.rings import KeyMissing
from qe_ban.keys.wrapping import MasterKeyWrong


@contextmanager
def refused() -> Iterator[None]:
    """Turn what an operator can cause inside the block into Refused."""
    try:
        yield
    except KeyMissing as error:
        raise Refused("the keys are missing: run `qe-ban keys init`") from error
    except MasterKeyWrong as error:
        raise Refused(str(error)) from error
    except CommandError as error:
        raise Refused("the database is of a newer release: start that one") from error
    except AddressInvalid as error:
        raise Refused(f"QE_DATABASE_URL is not a database's address: {error}") from error
    except (DatabaseUnavailable, exc.OperationalError, exc.ProgrammingError) as error:
        cause = error.__cause__ or error
        if isinstance(getattr(cause, "orig", cause), ServerRefused):
            raise Refused(reason(cause)) from error
        raise Refused(f"the database cannot be reached: {reason(cause)}") from error


def reason(error: BaseException) -> str:
    """Return the first line of what the driver says."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
