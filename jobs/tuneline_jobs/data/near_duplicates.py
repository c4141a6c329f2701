"""Finding texts that say nearly the same, without comparing every pair.

MinHash signatures (Broder, "On the resemblance and containment of documents", 1997) in a
locality-sensitive index propose pairs; the true Jaccard similarity of their shingles decides.
"""

from __future__ import annotations

import re

SHINGLE_CHARACTERS = 5
# Half the shingles differing is a rewrite; a fifth is the same text with a name or a number changed.
THRESHOLD = 0.8
# Enough hashes that a pair just above the threshold is proposed in all but a few cases of a hundred.
PERMUTATIONS = 128


def shingles(text: str) -> frozenset[str]:
    """All runs of five characters of the text, regardless of case and punctuation."""
    plain = " ".join(re.findall(r"\w+", text.casefold()))
    if len(plain) <= SHINGLE_CHARACTERS:
        return frozenset([plain])
    return frozenset(
        plain[i : i + SHINGLE_CHARACTERS] for i in range(len(plain) - SHINGLE_CHARACTERS + 1)
    )


def jaccard(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b)


def near_duplicate_clusters(texts: list[str]) -> list[int]:
    """For each text the index of the first text it is a near duplicate of: its own where it is new.

    A text is only ever compared with ones that are themselves new, so that a chain of small changes
    can't end in calling two different texts the same.
    """
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    sets = [shingles(text) for text in texts]
    encoded = [[shingle.encode() for shingle in sorted(s)] for s in sets]
    firsts: list[int] = []
    signatures = MinHash.generator(encoded, num_perm=PERMUTATIONS, seed=1)
    for number, signature in enumerate(signatures):
        proposed = sorted(index.query(signature))
        first = next((p for p in proposed if jaccard(sets[p], sets[number]) >= THRESHOLD), number)
        if first == number:
            index.insert(number, signature)
        firsts.append(first)
    return firsts
