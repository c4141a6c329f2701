"""How good one answer is: the scores that can be told for a single example.

- `rouge1`, `rouge2`, `rougeL`, `rougeLsum`: F-measures of Google's rouge-score with stemming (Lin,
  "ROUGE: A Package for Automatic Evaluation of Summaries", 2004); for `rougeLsum` a line is a sentence.
- `exactMatch`: 1 where the answer is the reference, but for white space around them.
- `tokenF1`: F1 over the words that both have, as for SQuAD (Rajpurkar et al., 2016).
- `repetition`: share of an answer's word 4-grams that it has said before (seq-rep-4 of Welleck et
  al., "Neural Text Generation With Unlikelihood Training", 2020).
- `groundedness`: share of an answer's content words that stand in its source, the prompt.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from functools import cache
from typing import Any

ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")
REPEATED_WORDS = 4

WORD = re.compile(r"\w+")
ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
# What English sentences are held together by; whether a claim is supported doesn't hang on these.
STOP_WORDS = frozenset(
    WORD.findall("""
    a about after all also am an and any are as at be because been before being both but by can
    could did do does doing down during each few for from further had has have having he her here
    hers him his how i if in into is it its itself just may me might more most must my no nor not
    now of off on once only or other our ours out over own same shall she should so some such than
    that the their theirs them then there these they this those through to too under until up very
    was we were what when where which while who whom why will with would you your yours
    """)
)


def score_answers(
    answers: list[str], references: list[str], sources: list[str]
) -> list[dict[str, float]]:
    """The scores of each answer, by their names; each from 0 to 1."""
    from rouge_score.rouge_scorer import RougeScorer

    rouge: Any = RougeScorer(list(ROUGE), use_stemmer=True)
    return [
        {
            **{name: score.fmeasure for name, score in rouge.score(reference, answer).items()},
            "exactMatch": float(answer == reference.strip()),
            "tokenF1": token_f1(answer, reference),
            "repetition": repetition(answer),
            "groundedness": groundedness(answer, source),
        }
        for answer, reference, source in zip(answers, references, sources, strict=True)
    ]


def token_f1(answer: str, reference: str) -> float:
    """F1 of the bags of words; of two texts without a word, 1 where both have none."""
    said, wanted = Counter(squad_words(answer)), Counter(squad_words(reference))
    if not said or not wanted:
        return float(said == wanted)
    return 2 * (said & wanted).total() / (said.total() + wanted.total())


def squad_words(text: str) -> list[str]:
    """SQuAD's normalization: lower case, no ASCII punctuation, no English articles."""
    return ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split()


def repetition(answer: str) -> float:
    """0 for an answer with fewer than four words."""
    words = WORD.findall(answer.lower())
    grams = [tuple(words[i : i + REPEATED_WORDS]) for i in range(len(words) - REPEATED_WORDS + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def groundedness(answer: str, source: str) -> float:
    """Extractive fragment coverage, on stems and without stop words; no model decides.

    Coverage (Grusky et al., "Newsroom", 2018) is the share of words within fragments shared with the
    source. A fragment may be one word long, so a word counts where the source has it anywhere. It
    finds names, numbers and terms that were made up, and not a wrong relation between right words.
    An answer without a content word has 0: it says nothing that could be supported.
    """
    claims = content_stems(answer)
    support = set(content_stems(source))
    return sum(stem in support for stem in claims) / len(claims) if claims else 0.0


def content_stems(text: str) -> list[str]:
    return [stem_of(word) for word in WORD.findall(text.lower()) if word not in STOP_WORDS]


@cache
def stemmer() -> Any:
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer()


@cache
def stem_of(word: str) -> str:
    """The stem by Porter (1980); words in other scripts are left as they are."""
    return str(stemmer().stem(word))
