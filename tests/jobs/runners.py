"""Runners that leave their traces in the job itself, also for a process of their own that a test kills."""

import sys
import time

from qe_ban.db.engine import Database
from qe_ban.jobs import service
from qe_ban.kernel.clock import system_clock


def counting(upto, between=lambda work: None, within=lambda work: None):
    """Count to `upto`, a step each: the n-th step leaves the fault n, so that what is done twice or never is seen."""

    def run(work):
        for number in range(work.cursor.get("at", 0) + 1, upto + 1):
            with work.step() as session:
                work.fault(session, [service.Fault(service.Severity.WARNING, str(number), row=number)])
                within(work)
                work.save(session, phase="counting", progress=number, total=upto, cursor={"at": number})
            between(work)

    return run


def main(url, kind):
    """Count for ever slowly, telling each step: to be killed."""

    def tell(work):
        sys.stdout.write(f"{work.done}\n")
        sys.stdout.flush()
        time.sleep(0.02)

    service.Jobs(Database(url), system_clock, {kind: counting(1_000_000, tell)}).run_pending()


if __name__ == "__main__":
    main(*sys.argv[1:])
