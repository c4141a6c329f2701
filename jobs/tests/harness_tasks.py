"""Tasks of lm-evaluation-harness as a team would write them, with their data beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuneline_jobs.runtime.storage import digest_of_folder, uri_of, write_json_lines

CHOICE = """
task: own_choice
dataset_path: json
dataset_kwargs:
  data_files: {test: questions.jsonl}
test_split: test
output_type: multiple_choice
doc_to_text: "Which one? {{text}}\\n"
doc_to_choice: "{{choices}}"
doc_to_target: label
fewshot_split: test
num_fewshot: 1
metric_list:
  - metric: acc
  - metric: acc_norm
"""
WRITTEN = """
task: own_written
dataset_path: json
dataset_kwargs:
  data_files: {test: questions.jsonl}
test_split: test
output_type: generate_until
doc_to_text: "{{text}}"
doc_to_target: "{{choices[label]}}"
generation_kwargs: {until: ["\\n"], max_gen_toks: 4}
filter_list:
  - name: whole
    filter: [{function: take_first}]
  - name: first-word
    filter: [{function: regex, regex_pattern: "(\\\\w+)"}, {function: take_first}]
metric_list:
  - metric: exact_match
"""
OTHERS = {
    # Of a score that only the task itself knows.
    "own_length": """
task: own_length
dataset_path: json
dataset_kwargs:
  data_files: {test: questions.jsonl}
test_split: test
output_type: generate_until
doc_to_text: "{{text}}"
doc_to_target: ""
generation_kwargs: {until: ["\\n"], max_gen_toks: 4}
process_results: !function own.process_results
metric_list:
  - {metric: characters, aggregation: mean, higher_is_better: false}
  - {metric: wordy, aggregation: mean, higher_is_better: false}
  - {metric: rougeL, aggregation: mean, higher_is_better: null}
  - {metric: perplexity, aggregation: perplexity, higher_is_better: false}
  - {metric: seldom, aggregation: mean, higher_is_better: true}
""",
    "own_group": "group: own_group\ntask: [own_choice, own_written]\n",
    "on_the_hub": CHOICE.replace("own_choice", "on_the_hub")
    .replace("dataset_path: json", "dataset_path: tuneline-nobody/nothing")
    .replace("dataset_kwargs:\n  data_files: {test: questions.jsonl}\n", ""),
    "data_is_gone": CHOICE.replace("own_choice", "data_is_gone").replace("questions", "gone"),
    "written_wrongly": CHOICE.replace("own_choice", "written_wrongly").replace(
        "multiple_choice", "guess"
    ),
    "runs_code": CHOICE.replace("own_choice", "runs_code") + "unsafe_code: true\n",
}
OWN = """
def process_results(doc, results):
    said = results[0]
    letters = sum(c.isalpha() for c in said)
    found = {"characters": len(said), "wordy": letters > 6, "rougeL": letters, "perplexity": -1.0}
    return found | ({"seldom": 1} if doc["label"] else {})
"""
QUESTIONS = 30


def write_tasks(folder: Path) -> dict[str, str]:
    """A folder of tasks, as a Job's spec refers to it."""
    folder.mkdir()
    words = ["fast", "small", "library", "parser", "network", "image", "sound", "data", "tool"]
    questions: list[dict[str, Any]] = [
        {
            "text": f"{words[n % 9]} {words[n // 2 % 9]} {n}",
            "choices": [words[n % 9], words[(n + 1 + n % 3) % 9], "server room"],
            "label": n % 3,
        }
        for n in range(QUESTIONS)
    ]
    write_json_lines(folder / "questions.jsonl", questions)
    for name, text in {"own_choice": CHOICE, "own_written": WRITTEN, **OTHERS}.items():
        (folder / f"{name}.yaml").write_text(text)
    (folder / "own.py").write_text(OWN)
    return {"uri": uri_of(folder), "digest": digest_of_folder(folder)}
