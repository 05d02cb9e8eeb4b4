"""The WSGI app of a web worker: `granian --interface wsgi qe_ban.wsgi:app`."""

import gc
import os

from qe_ban.app import configure_logs, create_app
from qe_ban.config import Settings
from qe_ban.embedded.process import die_with_parent
from qe_ban.web import draining

settings = Settings.from_env(os.environ)
configure_logs()
if settings.is_supervised:
    # a worker whose server was killed would serve on, unseen
    die_with_parent()
draining.listen()
app = create_app(settings)
# all of this lives as long as the process: a full collection would stop every thread for 60 ms to look through it again
gc.collect()
gc.freeze()
