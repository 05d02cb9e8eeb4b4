"""A supervisor with both engines and a program, as `qe-ban up` has them: prints who they are and runs on."""

import json
import os
import sys

from qe_ban.embedded.home import Home
from qe_ban.embedded.postgres import Postgres
from qe_ban.embedded.supervisor import Program, Supervisor
from qe_ban.embedded.valkey import Valkey


def main(path: str) -> int:
    """Run the tree on the home at `path`."""
    home = Home(path)
    postgres, valkey = Postgres(home, settings={"fsync": "off"}), Valkey(home)
    program = Program("program", ["/bin/sh", "-c", "sleep 1000 & wait"])
    with home.lock(), Supervisor() as supervisor:
        for service in (postgres, valkey, program):
            supervisor.start(service)
        ids = {
            "supervisor": os.getpid(),
            "postgres": postgres.pid,
            "valkey": valkey.pid,
            "program": program.pid,
            "postgres_url": postgres.url,
            "valkey_url": valkey.url,
        }
        sys.stdout.write(json.dumps(ids) + "\n")
        sys.stdout.flush()
        return supervisor.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
