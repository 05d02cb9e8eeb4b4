"""What is measured without HTTP: the format's verification beside the bare signature check, and pictures.

In processor time of this thread, in many short turns: that others use the machine too moves it least.
"""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import thread_time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from qe_ban.codes import qr, token
from qe_ban.codes.token import vector_file

VECTORS = Path(__file__).parents[1] / "tests" / "vectors" / "codes" / "qe1.json"
CODES = {"issued": ("issued identity", 1), "printed": ("printed", 1), "presented": ("presented", 2)}
"""By profile: the name of a good code among the vectors, and how many signatures it carries."""
STRETCH = 0.008
TITLE, COLOUR = "身份码", "#1f5fbf"


@dataclass(frozen=True, slots=True)
class Verification:
    """Verifications and bare ES256 checks a second, and their ratio, where a code of two signatures counts two.

    `spread` holds the first and the ninth decile of the ratios of each turn.
    """

    rate: float
    bare: float
    ratio: float
    spread: tuple[float, float]


def verification(profile: str, rounds: int) -> Verification:
    """Measure `token.verify` of a good code in turns with the bare check of its issuer's signature."""
    name, signatures = CODES[profile]
    file = vector_file.read(json.loads(VECTORS.read_text("utf-8")))
    vector = next(vector for vector in file.vectors if vector.name == name)
    envelope = token.parse(vector.code).issuer
    assert envelope.kid is not None
    key, algorithm = file.keys[envelope.kid].public_key, ec.ECDSA(hashes.SHA256())
    r, s = (int.from_bytes(part, "big") for part in (envelope.signature[:32], envelope.signature[32:]))
    signature = encode_dss_signature(r, s)
    pairs = [
        (
            _rate(lambda: key.verify(signature, envelope.sig_structure, algorithm)),
            _rate(lambda: token.verify(vector.code, file.keys, file.policy, vector.at)),
        )
        for _ in range(rounds)
    ]
    ratios = [signatures * rate / bare for bare, rate in pairs]
    quantiles = statistics.quantiles(ratios, n=10)
    return Verification(
        statistics.median(rate for _, rate in pairs),
        statistics.median(bare for bare, _ in pairs),
        statistics.median(ratios),
        (quantiles[0], quantiles[-1]),
    )


def picture(codes: Sequence[str]) -> float:
    """Return the median processor time of a PNG, in milliseconds, once the blank card of the title is there."""
    qr.png(codes[0], title=TITLE, colour=COLOUR)
    times = []
    for code in codes:
        began = thread_time()
        qr.png(code, title=TITLE, colour=COLOUR)
        times.append(thread_time() - began)
    return statistics.median(times) * 1000


def _rate(work: Callable[[], object]) -> float:
    count, began = 0, thread_time()
    while (seconds := thread_time() - began) < STRETCH:
        for _ in range(10):
            work()
        count += 10
    return count / seconds
