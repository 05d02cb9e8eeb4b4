"""Says in one line what is wrong with a database or its keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from gettext import gettext as _

from alembic.util import CommandError
from sqlalchemy import exc

from qe_ban.cli.refusals import Refused
from qe_ban.db.address import AddressInvalid
from qe_ban.db.connecting import ServerUnfit
from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.keys.rings import KeyMissing
from qe_ban.keys.wrapping import MasterKeyWrong
from qe_ban.message import Message, translate


@contextmanager
def refused() -> Iterator[None]:
    """Turn what an operator can cause inside the block into Refused."""
    try:
        yield
    except KeyMissing as error:
        raise Refused(_("the keys are missing: run `qe-ban keys init`")) from error
    except MasterKeyWrong as error:
        raise Refused(translate(error.args[0])) from error
    except CommandError as error:
        raise Refused(_("the database is of a newer release: start that one")) from error
    except AddressInvalid as error:
        raise Refused(
            _("QE_DATABASE_URL is not a database's address: {error}").format(error=translate(error.args[0]))
        ) from error
    except (DatabaseUnavailable, exc.OperationalError, exc.ProgrammingError) as error:
        cause = error.__cause__ or error
        if isinstance(getattr(cause, "orig", cause), ServerUnfit):
            raise Refused(reason(cause)) from error
        raise Refused(_("the database cannot be reached: {reason}").format(reason=reason(cause))) from error


def reason(error: BaseException) -> str:
    """Return the first line of what the driver says."""
    error = getattr(error, "orig", None) or error
    if error.args and isinstance(error.args[0], Message):
        return error.args[0].translation()
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
