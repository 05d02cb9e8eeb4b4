"""Finds the wordings that may answer a query and ranks them (D-067, D-068)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.orm import Session

from qe_ban.items.queries import finding
from qe_ban.items.service import understanding
from qe_ban.items.service.understanding import Understood
from qe_ban.items.words import scoring, sounds
from qe_ban.items.words.pieces import Kind, Piece
from qe_ban.items.words.scoring import Candidate, Scored, Scorer

MOST: Final = 120
"""How many wordings are looked at closely."""
ENOUGH: Final = 5
SURE: Final = 0.8
LEAST, LEAST_OF_TERMS, LEAST_BESIDE_UNKNOWN, LEAST_OF_SINGLES = 0.35, 0.52, 0.58, 0.6
"""How much of a query a wording must hold, that is found at all: of a sentence, of a term, of single characters.

No result is better than a wrong one. In a sentence much stands round what is wanted; of a term most must be there:
one rare word beside a thing that the catalogue does not have (生日蛋糕) is not enough. And characters that happen to be
somewhere say little.
"""
SPECIFIC: Final = 0.95
"""The emphasis from which on a word means one thing, unlike 申请."""
NEAR_BEST: Final = 0.75
COMMON: Final = 1000
"""Pieces that together are in more wordings than this do not find anything by themselves."""

_CODE = re.compile(r"(?=(?:.*[0-9]){6})[0-9a-z]{6,33}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Wordings, the best first. `capped`: there may be more."""

    scored: Sequence[Scored]
    capped: bool
    understood: Understood
    corrected: str | None = None


def rank(session: Session, query: str, districts: Mapping[str, str]) -> Ranked:
    """Give the wordings that answer a query; `districts`: names by code."""
    understood = understanding.understand(session, query, districts)
    code = understanding.as_typed(query)
    if _CODE.fullmatch(code):
        by_code = _by_code(session, code, understood)
        if by_code.scored:
            return by_code
    if not understood.wanted and not understood.unknown:
        return Ranked([], False, understood)
    first = _attempt(session, understood, widely=not understood.garbled)
    if _best(first) >= SURE and (understood.garbled or not understood.unknown) and not understood.shredded:
        return first
    mended = understanding.mend(session, understood)
    second = _attempt(session, mended) if mended is not None else None
    if second is not None and (_best(second) > _best(first) or (second.scored and second.understood.swapped)):
        return second
    return _attempt(session, understood) if understood.garbled else first


def narrow(session: Session, ranked: Ranked, filters: Mapping[str, Any]) -> Ranked:
    """Give what answers the same query within filters (see `finding.WITHIN`), where there was too much to see it."""
    understood = ranked.understood
    asked = {**filters, "query": finding.every(understood.wanted), "most": MOST}
    rows = session.execute(finding.WITHIN, asked).all()
    return _scored(understood, rows, capped=len(rows) >= MOST)


def _best(ranked: Ranked) -> float:
    return max((one.coverage for one in ranked.scored), default=0.0)


def _attempt(session: Session, understood: Understood, *, widely: bool = True) -> Ranked:
    """Find and score; `widely`: also what holds only some of the pieces, where hardly anything holds all."""
    wanted = understood.wanted
    found = {row.id: row for row in _every(session, understood)}
    capped = len(found) >= MOST
    if widely and len(found) < ENOUGH and len(wanted) > 1 and not any(piece.kind is Kind.INITIALS for piece in wanted):
        for row in _either(session, understood):
            found.setdefault(row.id, row)
    return _scored(understood, list(found.values()), capped=capped)


def _scored(understood: Understood, rows: Iterable[Row[Any]], *, capped: bool) -> Ranked:
    scorer = Scorer(understood.compact, understood.pieces, understood.certain)
    scored = [scorer.score(_candidate(row)) for row in rows]
    best = max((one.coverage for one in scored), default=0.0)
    scored.sort(key=lambda one: (-one.score, one.candidate.names[0], one.candidate.id))
    is_term, is_solid = understood.is_term, any(piece.solid for piece in understood.wanted)
    least = _least(understood, is_solid=is_solid)
    enough = [one for one in scored if one.coverage >= least]
    if not is_solid:
        enough = [one for one in enough if scoring.holds_together(one.candidate, understood.compact)]
    if not enough and not is_term:
        # much was said round the one word that counts
        strong = understood.strong
        enough = [one for one in scored if scoring.holds(one.candidate, strong)][:ENOUGH]
    scored = enough
    near = [one for one in scored if one.coverage >= NEAR_BEST * best]
    # where hardly any holds it all, some that hold much of it may be what was meant
    kept = near if len(near) >= ENOUGH else [*near, *(one for one in scored if one not in near)][:ENOUGH]
    corrected = understood.corrected(kept[0].candidate.names) if kept else None
    return Ranked(kept, capped and bool(kept), understood, corrected)


def _least(understood: Understood, *, is_solid: bool) -> float:
    if not is_solid:
        return LEAST_OF_SINGLES
    if not understood.is_term:
        return LEAST
    names_another_thing = any(
        scoring.is_unknown_word(piece) and piece.emphasis >= SPECIFIC for piece in understood.pieces
    )
    return LEAST_BESIDE_UNKNOWN if names_another_thing else LEAST_OF_TERMS


def _every(session: Session, understood: Understood) -> Iterable[Row[Any]]:
    heads = _heads(understood.compact)
    lows = [f"{mark}{key}" for mark, key, _ in heads]
    return session.execute(
        finding.ALL,
        {
            "query": finding.every(understood.wanted),
            "lows": lows,
            "highs": [low + finding.LAST for low in lows],
            "sure": [sure for *_, sure in heads],
            "most": MOST,
        },
    ).all()


def _heads(compact: str) -> list[tuple[str, str, float]]:
    """Give what a query is the beginning of: mark, key, how sure that is."""
    if len(compact) < 2:
        return []
    heard = sounds.heard(compact)
    if not heard.isascii():
        return []
    found = [("0p", heard, 0.97), ("1p", heard, 0.93)]
    if compact.isascii():
        return [*found, ("0i", compact, 0.9), ("1i", compact, 0.86)]
    return [(mark, key, sure - 0.1) for mark, key, sure in found]


def _either(session: Session, understood: Understood) -> Iterable[Row[Any]]:
    solid = [piece for piece in understood.wanted if piece.solid]
    rare = sorted(solid or understood.wanted, key=lambda piece: -piece.rarity)
    vocabulary, texts = understood.vocabulary, 0
    chosen: list[Piece] = []
    for piece in rare:
        texts += max((vocabulary.terms[word].texts for word, _ in piece.words if word in vocabulary.terms), default=0)
        if chosen and texts > COMMON:
            break
        chosen.append(piece)
    asked: dict[str, Any] = {"query": finding.either(chosen), "most": MOST, "looked": 2 * COMMON}
    for place in range(finding.WEIGHED):
        slot = rare[place] if place < len(rare) else None
        asked[f"query{place + 1}"] = finding.tsquery(slot) if slot else ""
        asked[f"rarity{place + 1}"] = slot.rarity if slot else 0.0
    return session.execute(finding.ANY, asked).all()


def _by_code(session: Session, code: str, understood: Understood) -> Ranked:
    low = code.upper()
    rows = session.execute(finding.BY_CODE, {"low": low, "high": low + finding.LAST, "most": MOST}).all()
    scorer = Scorer(code, ())
    scored = sorted((scorer.score(_candidate(row)) for row in rows), key=lambda one: (-one.score, one.candidate.id))
    return Ranked(scored, len(rows) >= MOST, understood)


def _candidate(row: Sequence[Any]) -> Candidate:
    number, entry, names, others, weight, direct = row
    return Candidate(number, entry, names, others, weight, float(direct))
