from __future__ import annotations

import pytest

from tuneline_jobs.evaluation.answer_scores import groundedness, repetition, score_answers, token_f1

SOURCE = "The library parses CSV files, 3 times faster than Python's own parser."


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("fast CSV parser", 1),  # "fast" and "faster" are two stems, yet "faster" is no other word
        ("parsing of a CSV file", 1),
        ("CSV parser for Windows", 2 / 3),
        ("4 times faster", 2 / 3),
        ("of the and", 0),
        ("", 0),
    ],
)
def test_groundedness_is_the_share_of_content_words_in_the_source(answer, expected) -> None:
    assert groundedness(answer, SOURCE.replace("faster", "fast faster")) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("The Parser!", "a parser", 1),
        ("fast fast parser", "fast parser", 0.8),
        ("chess", "parser", 0),
        ("", "the", 1),
        ("", "parser", 0),
    ],
)
def test_token_f1_is_of_normalized_words(answer, reference, expected) -> None:
    assert token_f1(answer, reference) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("one two three", 0),
        ("a b c d e f", 0),
        ("go go go go go go go", 3 / 4),
        ("A fast parser for data. A fast parser for data.", 2 / 7),
    ],
)
def test_repetition_counts_what_was_said_before(answer, expected) -> None:
    assert repetition(answer) == pytest.approx(expected)


def test_lines_are_the_sentences_of_rouge_lsum() -> None:
    (row,) = score_answers(["plays chess\ndraws graphs"], ["draws graphs\nplays chess"], [SOURCE])
    assert row["rougeL"] == pytest.approx(0.5)
    assert row["rougeLsum"] == pytest.approx(1)


def test_only_the_very_same_answer_matches_exactly() -> None:
    rows = score_answers(["parser", "Parser"], [" parser\n"] * 2, [SOURCE] * 2)
    assert [row["exactMatch"] for row in rows] == [1, 0]
