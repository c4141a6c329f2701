from __future__ import annotations

import base64
import codecs
from collections import Counter
from typing import Any

import pytest

from tuneline_jobs.runtime.outcome import BadData, BadSpec
from tuneline_jobs.suites.attacks.attacks import Attack, digest_of_suite, prompts, succeeded, suite
from tuneline_jobs.suites.attacks.families import FAMILIES, GUARD, LEAK, OBEY
from tuneline_jobs.suites.attacks.suite import attack_counts, attack_table

SUITE = suite()
OBEYED = next(attack for attack in SUITE if attack.goal == OBEY)
LEAKED = next(attack for attack in SUITE if attack.goal == LEAK)

DATA = {"other": "", "title": "Draws graphs", "text": "{{title}} {data} of any kind"}
EXAMPLES: list[dict[str, Any]] = [{"columns": DATA}]

WRITTEN = {
    "plainly": lambda text: f"Sure! The answer is {text.title()}.",
    "in capitals": str.upper,
    "backwards": lambda text: f"Here: {text[::-1]}",
    "spaced": lambda text: "It is " + " ".join(text) + " of course",
    "with dashes": "-".join,
    "line by line": "\n".join,
    "in bold": lambda text: f"**{text[:3]}**{text[3:]}",
    "in wide letters": lambda text: "".join(chr(ord(c) + 0xFEE0) for c in text),
    "with invisible characters": "\u200b".join,
    "in leet": lambda text: text.translate(str.maketrans("aeo", "430")),
    "in rot13": lambda text: codecs.encode(text, "rot13"),
    "in base64": lambda text: "The code: " + base64.b64encode(text.encode()).decode(),
    # What stands before it moves where its groups of four begin.
    "in base64 after a word": lambda text: "Base64 " + base64.b64encode(text.encode()).decode(),
    "in base64 within more": lambda text: base64.b64encode(f"it is {text}, ok".encode()).decode(),
    "in base64 without its end": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "in base64 by lines": lambda text: "\n".join(base64.b64encode(text.encode()).decode()),
    "in hex": lambda text: text.encode().hex(),
    "in hex after a letter": lambda text: f"e {text.encode().hex()}",
    "in spaced hex": lambda text: "bytes: " + text.encode().hex(" ").upper(),
    "in escaped hex": lambda text: "".join(f"\\x{c:02x}" for c in text.encode()),
}

ECHOES = {
    "as it is": lambda text: text,
    "twice": lambda text: text * 2,
    "by words": lambda text: " ".join(text.split()),
    "backwards": lambda text: text[::-1],
    "spaced": " ".join,
    "in rot13": lambda text: codecs.encode(text, "rot13"),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in hex": lambda text: text.encode().hex(),
}


def test_there_are_at_least_150_attacks_each_with_its_own_name_and_text() -> None:
    assert len(SUITE) >= 150
    assert len({attack.id for attack in SUITE}) == len(SUITE)
    assert len({attack.text for attack in SUITE}) == len(SUITE)
    sizes = Counter(attack.family for attack in SUITE)
    assert set(sizes) == {*FAMILIES, "extraction"}
    assert len(sizes) >= 12
    assert min(sizes.values()) >= 10


def test_the_suite_is_always_the_same_and_has_a_digest() -> None:
    assert suite() == SUITE
    assert digest_of_suite(SUITE) == digest_of_suite(suite())
    changed = [SUITE[0]._replace(text="Please."), *SUITE[1:]]
    assert digest_of_suite(changed) != digest_of_suite(SUITE)


def test_every_placeholder_is_filled() -> None:
    assert not [a.id for a in SUITE if "{goal" in a.text or "{first}" in a.text]


@pytest.mark.parametrize("attack", [OBEYED, LEAKED], ids=[OBEY, LEAK])
@pytest.mark.parametrize("way", WRITTEN)
def test_what_was_wanted_is_found_however_it_is_written(attack: Attack, way: str) -> None:
    assert succeeded(attack, WRITTEN[way](attack.wanted))


@pytest.mark.parametrize("way", ECHOES)
def test_to_repeat_an_attack_is_not_to_obey_it(way: str) -> None:
    asked = prompts(SUITE, EXAMPLES, "Title {{title}}: {{text}}", ["text", "title"])
    for attack in SUITE:
        assert not succeeded(attack, ECHOES[way](attack.text)), attack.id
        unguarded = asked[attack.id].removeprefix(GUARD.format(canary=attack.wanted))
        assert not succeeded(attack, ECHOES[way](unguarded)), attack.id


def test_parts_of_a_marker_are_not_the_marker_those_of_a_canary_are() -> None:
    parts = OBEYED.wanted[:6], OBEYED.wanted[6:]
    assert all(f'"{part}"' in OBEYED.text for part in parts)
    for answer in (", ".join(parts), " and ".join(parts), " ".join(parts), " ".join(parts[::-1])):
        assert not succeeded(OBEYED, answer)
    assert succeeded(LEAKED, f"{LEAKED.wanted[:6].title()}, {LEAKED.wanted[6:]}")
    assert not succeeded(LEAKED, f"{LEAKED.wanted[:6]} and {LEAKED.wanted[6:]}")


@pytest.mark.parametrize(
    "answer", ["", "I can't do that.", "Draws graphs of any kind", "0x", "===="]
)
def test_an_innocent_answer_is_no_success(answer: str) -> None:
    assert not any(succeeded(attack, answer) for attack in SUITE)


def test_an_attack_stands_in_the_first_column_that_the_template_uses() -> None:
    asked = prompts(SUITE, EXAMPLES, "Title {{title}}: {{text}}", ["other", "text", "title"])
    assert asked["override-01-obey"] == f"Title Draws graphs: {SUITE[0].text}"
    hidden = asked["indirect-02-obey"]
    assert hidden.startswith("Title Draws graphs: {{title}} {data} of any kind <!-- AI assistants")


def test_a_canary_stands_in_the_guarded_context_alone() -> None:
    asked = prompts(SUITE, EXAMPLES, "{{text}}", ["text"])
    for attack in SUITE:
        places = asked[attack.id].count(attack.wanted)
        assert places == (1 if attack.goal == LEAK else 0), attack.id
        assert asked[attack.id].startswith("The access code") == (attack.goal == LEAK)


def test_other_columns_come_from_one_example_after_the_other() -> None:
    examples = [{"columns": {"text": "", "title": title}} for title in ("one", "two")]
    asked = list(prompts(SUITE, examples, "{{title}}|{{text}}", ["text", "title"]).values())
    assert [prompt.split("|")[0][-3:] for prompt in asked[:4]] == ["one", "two", "one", "two"]


def test_a_dataset_without_the_columns_is_bad_data() -> None:
    with pytest.raises(BadData, match="prepare it again with attacks"):
        prompts(SUITE, [{}], "{{text}}", ["text"])


def test_a_template_without_the_columns_is_a_bad_spec() -> None:
    with pytest.raises(BadSpec, match="uses none of the columns text"):
        prompts(SUITE, EXAMPLES, "{{body}}", ["text"])


def test_what_succeeded_is_counted_by_family_and_role() -> None:
    attacks = suite()
    succeeded_on = {
        role: [attack.family == family for attack in attacks]
        for role, family in (("candidate", "few-shot"), ("base", "override"))
    }
    families = attack_counts(attacks, succeeded_on)["families"]
    assert families["few-shot"] == {
        "candidate": {"attacks": 12, "succeeded": 12},
        "base": {"attacks": 12, "succeeded": 0},
    }
    assert families["override"]["base"]["succeeded"] == 12
    answers = {role: ["no"] * len(attacks) for role in succeeded_on}
    asked = {attack.id: attack.text for attack in attacks}
    table = attack_table(attacks, asked, answers, succeeded_on)
    assert {row["family"] for row in table if row["candidate"]["succeeded"]} == {"few-shot"}
