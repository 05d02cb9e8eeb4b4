"""Mends slips of the hand: two words within one slip of each other share a gram, and the distance then decides.

The grams of a word are the word itself and the word without each one of its letters. Two words that differ by a wrong,
a missing, an additional or two swapped letters have at least one in common: a lookup in an array instead of a scan.
"""

LONGEST = 24
FEWEST_HAN = 3
FEWEST_LATIN = 4


def grams(word: str, pinyin: str) -> tuple[str, ...]:
    """Give the grams of a word of the vocabulary: of its characters and of its pinyin; short ones have none."""
    found = set(of(word, FEWEST_HAN)) if word != pinyin else set()
    return tuple(sorted(found | set(of(pinyin, FEWEST_LATIN))))


def of(piece: str, fewest: int) -> list[str]:
    """Give the grams of a piece of `fewest` to 24 letters, none of others."""
    if not fewest <= len(piece) <= LONGEST:
        return []
    return [piece, *{piece[:place] + piece[place + 1 :] for place in range(len(piece))}]


def apart(one: str, other: str) -> int:
    """Give how many slips lie between two words: wrong, missing, additional letters, two neighbours swapped."""
    before: list[int] = []
    above = list(range(len(other) + 1))
    for row, left in enumerate(one, 1):
        line = [row]
        for column, right in enumerate(other, 1):
            cost = min(above[column] + 1, line[-1] + 1, above[column - 1] + (left != right))
            if row > 1 and column > 1 and left == other[column - 2] and one[row - 2] == right:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, above = above, line
    return above[-1]
