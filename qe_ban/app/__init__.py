"""create_app(settings): the only place where the slices are put together, for web workers and for the job worker."""

from qe_ban.app.assembly import assemble, load_city
from qe_ban.app.serving import create_app
from qe_ban.app.working import create_worker
from qe_ban.composition import Services
from qe_ban.web import logs

__all__ = ["Services", "assemble", "configure_logs", "create_app", "create_worker", "load_city"]


def configure_logs() -> None:
    """Send structured lines to standard error."""
    logs.configure(json=True)
