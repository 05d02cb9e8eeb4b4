"""The first making of keys: the two roots' private halves leave as files, to be kept offline."""

from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from sqlalchemy.orm import Session

from qe_ban.cli.home import write_private
from qe_ban.keys import lifecycle


def init(session: Session, master: bytes, directory: Path, now: datetime) -> list[Path]:
    """Make every ring's first key, and write the two root keys as PEM files (0600) into `directory`.

    The caller's transaction commits after the files are on the disk. Raises KeysExist, OSError (also where the files
    are there already); then no file is left.
    """
    roots = lifecycle.init(session, master, now)
    session.flush()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths: list[Path] = []
    try:
        for number, root in enumerate(roots, 1):
            path = directory / f"root-{number}.pem"
            write_private(
                path,
                root.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                ),
            )
            paths.append(path)
    except OSError:
        for path in paths:
            path.unlink()
        raise
    return paths
