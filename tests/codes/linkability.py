"""Attacks on unlinkability: from what scanners have they guess whose code it is, or which two are one person's.

Each attack is a guesser that learns from views whose residents are known, and guesses those of other views. Every
view's resident was drawn evenly and by itself, so that as long as views tell nothing, right guesses are counted by a
binomial law exactly, however clever the guesser and however its views depend on each other: `chance` is its upper tail.
"""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import base45
import cbor2

UNLIKELY = 1e-10
"""What some hundreds of attacks together find by accident once in ten million runs."""
PERIODS = (2, 3, 5, 6, 7, 10, 12, 15, 20, 25, 30, 45, 60)
CLOSE = 256
"""Into how many classes of equal size numbers are put."""
SMOOTHING = 10


@dataclass(frozen=True)
class View:
    """All that one scan shows: the code's text, the whole answer, and the scanner's own clock."""

    text: str
    answer: dict
    headers: dict
    arrival: float
    took: float


class Finding(NamedTuple):
    """What an attack reached: right guesses of so many, where `luck_share` of them are luck."""

    right: int
    guesses: int
    luck_share: float
    chance: float

    @property
    def rate(self):
        return self.right / self.guesses


def is_above_luck(right, guesses, luck):
    return Finding(right, guesses, guesses * luck, tail(right, guesses, luck))


def tail(right, guesses, luck):
    """Return the probability of at least so many right guesses by luck: the binomial law's upper tail."""
    if right <= guesses * luck:
        return 1.0
    first = (
        math.lgamma(guesses + 1)
        - math.lgamma(right + 1)
        - math.lgamma(guesses - right + 1)
        + right * math.log(luck)
        + (guesses - right) * math.log1p(-luck)
    )
    term, total = math.exp(first), 0.0
    for k in range(right, guesses + 1):
        total += term
        term *= (guesses - k) / (k + 1) * luck / (1 - luck)
        if term < total * 1e-12:
            break
    return total


def taken_apart(view):
    """Return every part of a view by name: claims and headers of the code, members of the verdict, times, lengths."""
    raw = base45.b45decode(view.text.removeprefix("QE1:"))
    header, other_header, payload, signature = cbor2.loads(raw).value
    claims = cbor2.loads(payload)
    parts = {
        **flat("header", cbor2.loads(header)),
        **flat("unprotected", other_header),
        **flat("claim", claims),
        **flat("verdict", view.answer),
        **flat("response", view.headers),
        "r": signature[:32],
        "s": signature[32:],
        "length.text": len(view.text),
        "length.raw": len(raw),
        "length.payload": len(payload),
        "length.answer": len(str(view.answer)),
        "time.iat": claims[6],
        "time.life": claims[4] - claims[6],
        "time.age": view.arrival - claims[6],
        "time.took": view.took,
    }
    for period in PERIODS:
        parts[f"time.iat%{period}"] = claims[6] % period
        parts[f"time.exp%{period}"] = claims[4] % period
    return parts, raw


def flat(name, value):
    """Spread maps and lists to one level, with the way there as the name."""
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    else:
        return {name: value}
    leaves = {way: leaf for key, inner in members for way, leaf in flat(f"{name}.{key}", inner).items()}
    return leaves | {f"length.{name}": len(value)}


class Sample:
    """Views taken apart, with their residents; what all of them share tells nothing and is left out."""

    def __init__(self, views, residents):
        self.residents = residents
        apart = [taken_apart(view) for view in views]
        self.raw = [raw for _, raw in apart]
        names = {name for parts, _ in apart for name in parts}
        columns = {name: [parts.get(name) for parts, _ in apart] for name in sorted(names)}
        self.parts = {name: column for name, column in columns.items() if len(set(column)) > 1}
        width = max(map(len, self.raw))
        for at in range(width):
            column = [raw[at] if at < len(raw) else None for raw in self.raw]
            if len(set(column)) > 1:
                self.parts[f"byte {at}"] = column
        numbers = {
            name: column for name, column in self.parts.items() if all(type(value) in (int, float) for value in column)
        }
        for name, column in numbers.items():
            if len(set(column)) > CLOSE:
                self.parts[f"{name} about"] = classes(column)

    def split(self, indices):
        """Return the part of the views with these indices."""
        part = object.__new__(Sample)
        part.residents = [self.residents[i] for i in indices]
        part.raw = [self.raw[i] for i in indices]
        part.parts = {name: [column[i] for i in indices] for name, column in self.parts.items()}
        return part


def classes(column):
    order = sorted(range(len(column)), key=column.__getitem__)
    places = [0] * len(column)
    for rank, index in enumerate(order):
        places[index] = rank * CLOSE // len(column)
    return places


def attack(training, other, population, rng):
    """Try everything: `training` views teach, the residents of `other` are guessed. Return findings by name."""
    findings = {f"equal {name}": by_equal(training, other, name, population) for name in training.parts}
    findings |= {f"next in {name}": by_order(training, other, name, population) for name in by_arrival(training)}
    findings["bayes"] = by_bayes(training, other, population)
    findings |= {f"nearest {name}": by_nearest(training, other, name, population) for name in ("claim.7", "r", "s")}
    findings["pairs"] = by_pairs(training, other, rng)
    return findings


def leaks(findings):
    """Return the attacks that did better than luck explains."""
    return {name: finding for name, finding in findings.items() if finding.chance < UNLIKELY}


def by_equal(training, other, name, population):
    """Guess whoever had this very value most often before."""
    best = {value: counts.most_common(1)[0][0] for value, counts in who_had(training, name).items()}
    guesses = [best.get(value, -1) for value in other.parts[name]]
    return is_above_luck(sum(map(int.__eq__, guesses, other.residents)), len(guesses), 1 / population)


def who_had(codes, name):
    had = defaultdict(Counter)
    for value, resident in zip(codes.parts[name], codes.residents, strict=True):
        had[value][resident] += 1
    return had


def by_arrival(codes):
    """Return the parts by whose value views may be put in a row, however many values there are."""
    return [
        name
        for name, column in codes.parts.items()
        if not name.startswith("byte ") and len({type(value) for value in column}) == 1
    ]


def by_order(training, other, name, population):
    """Guess of two neighbours in the order of a value that they are one person's; no view is in two pairs."""
    sides = (training, other)
    row = sorted((value, side, at) for side in (0, 1) for at, value in enumerate(sides[side].parts[name]))
    whose = [sides[side].residents[at] for _, side, at in row]
    return is_above_luck(sum(map(int.__eq__, whose[::2], whose[1::2])), len(whose) // 2, 1 / population)


def by_bayes(training, other, population):
    """Guess by all bytes of the code at once: naive Bayes, smoothed so that one count tells little."""
    gains, had = {}, Counter(training.residents)
    start = [0.0] * population
    for name, column in training.parts.items():
        values = len(set(column))
        if name.startswith("byte "):
            gains[name] = {
                value: [(resident, math.log1p(count / SMOOTHING)) for resident, count in counts.items()]
                for value, counts in who_had(training, name).items()
            }
            start = [score - math.log(had[who] + SMOOTHING * values) for who, score in enumerate(start)]
    right = 0
    for at, resident in enumerate(other.residents):
        scores = start[:]
        for name, gain in gains.items():
            for candidate, more in gain.get(other.parts[name][at], ()):
                scores[candidate] += more
        right += scores.index(max(scores)) == resident
    return is_above_luck(right, len(other.residents), 1 / population)


def by_nearest(training, other, name, population, trials=500):
    """Guess the owner of the code that differs in the fewest bits."""
    before = [int.from_bytes(value) for value in training.parts[name]]
    right = 0
    for value, resident in zip(other.parts[name][:trials], other.residents, strict=False):
        rank = int.from_bytes(value)
        distances = [(rank ^ one).bit_count() for one in before]
        right += training.residents[distances.index(min(distances))] == resident
    return is_above_luck(right, min(trials, len(other.residents)), 1 / population)


def by_pairs(training, other, rng, pairs=2000):
    """Guess whether pairs are one person's or two persons', half of which are one person's: logistic regression."""
    names = list(training.parts)
    lessons = [
        (likeness(training, a, training, b, names), same) for a, b, same in coins(training, training, rng, pairs)
    ]
    means = [sum(column) / len(lessons) for column in zip(*(features for features, _ in lessons), strict=True)]
    weights = [0.0] * len(names)
    for _ in range(4):
        for features, same in lessons:
            deviations = list(map(float.__sub__, features, means))
            step = 0.1 * (
                same - 1 / (1 + math.exp(-max(-30.0, min(30.0, sum(map(float.__mul__, weights, deviations))))))
            )
            weights = [weight + step * feature for weight, feature in zip(weights, deviations, strict=True)]
    right = pairs_count = 0
    for a, b, same in coins(training, other, rng, pairs):
        features = map(float.__sub__, likeness(training, a, other, b, names), means)
        right += (sum(map(float.__mul__, weights, features)) > 0) == same
        pairs_count += 1
    return is_above_luck(right, pairs_count, 1 / 2)


def coins(first, second, rng, count):
    """Throw a coin for each pair of views, one of each side, of one person or two. None of the second comes twice."""
    codes_by_owner = defaultdict(list)
    for at, resident in enumerate(first.residents):
        codes_by_owner[resident].append(at)
    for b in rng.sample(range(len(second.residents)), min(count, len(second.residents))):
        same, resident = rng.random() < 0.5, second.residents[b]
        whose = resident if same else rng.choice([one for one in codes_by_owner if one != resident])
        mine = [at for at in codes_by_owner.get(whose, ()) if first is not second or at != b]
        if mine:
            yield rng.choice(mine), b, same


def likeness(first, a, second, b, names):
    """Return how two views differ, a number for each part: of bytes the share of bits, of the rest if it is equal."""
    weights = []
    for name in names:
        one, two = first.parts[name][a], second.parts[name][b]
        weights.append(((one or 0) ^ (two or 0)).bit_count() / 8 if name.startswith("byte ") else float(one == two))
    return weights
