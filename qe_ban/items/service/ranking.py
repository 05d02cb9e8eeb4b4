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
from qe_ban.items.words.vocabulary import Vocabulary

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
    """Return the wordings that answer a query; `districts`: names by code."""
    understood = understanding.understand(session, query, districts)
    by_code = _by_code(session, query, understood)
    if by_code is not None:
        return by_code
    if understood.is_empty:
        return Ranked([], False, understood)
    first = _attempt(session, understood, widely=not understood.garbled)
    if _is_sure(first):
        return first
    mended = understanding.mend(session, understood)
    second = _attempt(session, mended) if mended is not None else None
    if second is not None and _is_better(second, first):
        return second
    return _attempt(session, understood) if understood.garbled else first


def narrow(session: Session, ranked: Ranked, filters: Mapping[str, Any]) -> Ranked:
    """Return what answers the same query within filters (see `finding.WITHIN`), where there was too much to see it."""
    understood = ranked.understood
    parameters = {**filters, "query": finding.every(understood.wanted), "most": MOST}
    rows = session.execute(finding.WITHIN, parameters).all()
    return _rank_rows(understood, rows, capped=len(rows) >= MOST)


def _best(ranked: Ranked) -> float:
    return max((one.coverage for one in ranked.scored), default=0.0)


def _is_sure(first: Ranked) -> bool:
    """Return whether the query as it stands is answered so well that nobody need look for a slip in it."""
    understood = first.understood
    is_known = understood.garbled or not understood.unknown
    return is_known and not understood.shredded and _best(first) >= SURE


def _is_better(second: Ranked, first: Ranked) -> bool:
    """Return whether a mended query is answered better than the query as it stands; two letters swapped need not be."""
    return _best(second) > _best(first) or (bool(second.scored) and second.understood.swapped)


def _attempt(session: Session, understood: Understood, *, widely: bool = True) -> Ranked:
    """Find and score; `widely`: also what holds only some of the pieces, where hardly anything holds all."""
    wanted = understood.wanted
    rows = {row.id: row for row in _every(session, understood)}
    capped = len(rows) >= MOST
    if widely and len(rows) < ENOUGH and len(wanted) > 1 and not any(piece.kind is Kind.INITIALS for piece in wanted):
        for row in _either(session, understood):
            rows.setdefault(row.id, row)
    return _rank_rows(understood, list(rows.values()), capped=capped)


def _rank_rows(understood: Understood, rows: Iterable[Row[Any]], *, capped: bool) -> Ranked:
    scorer = Scorer(understood.compact, understood.pieces, understood.certain)
    scored = [scorer.score(_candidate(row)) for row in rows]
    scored.sort(key=lambda one: (-one.score, one.candidate.names[0], one.candidate.id))
    answers = _answers(understood, scored)
    near = _near_best(answers, max((one.coverage for one in scored), default=0.0))
    corrected = understood.corrected(near[0].candidate.names) if near else None
    return Ranked(near, capped and bool(near), understood, corrected)


def _answers(understood: Understood, scored: Sequence[Scored]) -> list[Scored]:
    """Return the wordings that answer at all; in a sentence also those that hold but its one word that counts."""
    answers = _holding_enough(understood, scored)
    if answers or understood.is_term:
        return answers
    strong = understood.strong
    return [one for one in scored if scoring.holds(one.candidate, strong)][:ENOUGH]


def _holding_enough(understood: Understood, scored: Sequence[Scored]) -> list[Scored]:
    is_solid = bool(understood.solid_pieces)
    least = _least(understood, is_solid=is_solid)
    answers = [one for one in scored if one.coverage >= least]
    if is_solid:
        return answers
    return [one for one in answers if scoring.holds_together(one.candidate, understood.compact)]


def _near_best(answers: Sequence[Scored], best: float) -> list[Scored]:
    """Return what holds nearly as much as the best; where hardly any does, some that hold less may be meant."""
    near = [one for one in answers if one.coverage >= NEAR_BEST * best]
    if len(near) >= ENOUGH:
        return near
    return [*near, *(one for one in answers if one not in near)][:ENOUGH]


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
    """Return what a query is the beginning of: mark, key, how sure that is."""
    if len(compact) < 2:
        return []
    pinyin = sounds.heard(compact)
    if not pinyin.isascii():
        return []
    by_pinyin = [("0p", pinyin, 0.97), ("1p", pinyin, 0.93)]
    if compact.isascii():
        return [*by_pinyin, ("0i", compact, 0.9), ("1i", compact, 0.86)]
    return [(mark, key, sure - 0.1) for mark, key, sure in by_pinyin]


def _either(session: Session, understood: Understood) -> Iterable[Row[Any]]:
    rare = sorted(understood.solid_pieces or understood.wanted, key=lambda piece: -piece.rarity)
    query = finding.either(_selective(rare, understood.vocabulary))
    parameters: dict[str, Any] = {"query": query, "most": MOST, "looked": 2 * COMMON}
    for place in range(finding.WEIGHED):
        piece = rare[place] if place < len(rare) else None
        parameters[f"query{place + 1}"] = finding.tsquery(piece) if piece else ""
        parameters[f"rarity{place + 1}"] = piece.rarity if piece else 0.0
    return session.execute(finding.ANY, parameters).all()


def _selective(rare: Sequence[Piece], vocabulary: Vocabulary) -> list[Piece]:
    """Return the rarest pieces, as many as together are in few enough wordings, and at least one."""
    pieces: list[Piece] = []
    texts = 0
    for piece in rare:
        texts += max((vocabulary.terms[word].texts for word, _ in piece.words if word in vocabulary.terms), default=0)
        if pieces and texts > COMMON:
            break
        pieces.append(piece)
    return pieces


def _by_code(session: Session, query: str, understood: Understood) -> Ranked | None:
    """Return the wordings of items whose code begins so; None where it is no code, or none has it."""
    code = understanding.as_typed(query)
    if not _CODE.fullmatch(code):
        return None
    low = code.upper()
    rows = session.execute(finding.BY_CODE, {"low": low, "high": low + finding.LAST, "most": MOST}).all()
    scorer = Scorer(code, ())
    scored = sorted((scorer.score(_candidate(row)) for row in rows), key=lambda one: (-one.score, one.candidate.id))
    return Ranked(scored, len(rows) >= MOST, understood) if scored else None


def _candidate(row: Sequence[Any]) -> Candidate:
    number, entry, names, others, weight, direct = row
    return Candidate(number, entry, names, others, weight, float(direct))
