"""Says in one line what is wrong with a database or its keys."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util import CommandError
from sqlalchemy import exc

from qe_ban.cli.refusals import Refused
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
    except exc.ArgumentError as error:
        raise Refused("QE_DATABASE_URL is not a database's address") from error
    except (DatabaseUnavailable, exc.OperationalError, exc.ProgrammingError) as error:
        raise Refused(f"the database cannot be reached{_reason(error.__cause__ or error)}") from error


def _reason(error: BaseException) -> str:
    told = str(getattr(error, "orig", None) or error).strip().splitlines()
    return f": {told[0]}" if told else ""
