"""Ties a process to its parent's life; run as a script it does so and then becomes another program.

``python -I -S launch.py SIGNAL PARENT PROGRAM [ARGUMENT...]``: a script instead of ``preexec_fn``, so that the parent
never runs Python between fork and exec, which may deadlock once it has threads. It imports only the standard library.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def tie(parent: int, death_signal: int) -> None:
    """Ask the kernel to send this process `death_signal` when its parent ends (Linux, prctl(2) PR_SET_PDEATHSIG).

    `parent` is the process id that the parent is expected to have: when it has ended already the signal is sent at
    once. The kernel takes the end of the *thread* that started this process for the end of the parent. Raises OSError
    when the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if os.getppid() != parent:
        os.kill(os.getpid(), death_signal)


def main(arguments: list[str]) -> None:
    """Tie to the parent, then become the program (an absolute path); does not return and exits 1 when there is none."""
    tie(int(arguments[1]), int(arguments[0]))
    # Python ignores the first two and a shell's background job the third; what is ignored stays ignored in the program
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(arguments[2], arguments[2:])  # noqa: S606  that there is no shell is wanted
    except OSError as error:
        sys.exit(f"{arguments[2]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
