"""The events of `tuneline lineage --openlineage`, held against OpenLineage's own client.

Its classes are made from the official JSON schemas: they refuse a field that is missing or unknown, an
ID that is no UUID, a time that is none, and they say which version of which schema an object has.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import dataset_version_dataset
from openlineage.client.serde import Serde

REPOSITORY = Path(__file__).parents[2]
FACETS: dict[str, Callable[..., Any]] = {
    "version": dataset_version_dataset.DatasetVersionDatasetFacet
}

Object = dict[str, Any]

WRITE = """
const { openLineageOf } = await import('./domain/lineage/open-lineage.ts');
const { tags } = await import('./domain/lineage/tracking.ts');
const given = JSON.parse(process.argv[1]);
const tagged = Object.fromEntries(Object.entries(given.tags).map(([key, value]) => [tags[key], value]));
const version = { name: 'summaries', version: '3', runId: given.run.runId, aliases: [], tags: tagged };
process.stdout.write(JSON.stringify(openLineageOf(version, given.run, '0.1.0')));
"""

TAGS = {
    "data": "data.jsonl",
    "dataDigest": "sha256:data",
    "datasetDigest": "sha256:dataset",
    "promptVersion": "summarize/1",
    "baseModel": "org/base",
    "baseModelDigest": "sha256:base",
    "codeRevision": "abc123",
    "codeDigest": "sha256:code",
    "weightsUri": "file:///artifacts/tune/model",
    "weightsDigest": "sha256:weights",
    "evidenceDigest": "sha256:evidence",
}


def events(tags: dict[str, str], status: str) -> list[Object]:
    ended = {} if status == "RUNNING" else {"endedAtMs": 1_764_201_600_000}
    run = {"runId": "0f" * 16, "status": status, "startedAtMs": 1_764_200_000_123, **ended}
    node = REPOSITORY / "node_modules" / ".bin" / "node"
    options = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", WRITE]
    given = json.dumps({"tags": tags, "run": run})
    written = subprocess.run(
        [node, *options, given], cwd=REPOSITORY, check=True, capture_output=True
    )
    parsed: list[Object] = json.loads(written.stdout)
    return parsed


def as_the_client_writes(event: Object) -> Object:
    """What the client makes of the same facts, with the schemas that it knows."""

    def facet(name: str, fields: Object) -> Any:
        own = {key: value for key, value in fields.items() if not key.startswith("_")}
        return FACETS[name](**own, producer=fields["_producer"])

    # What is left out is null for the client, which would else write an empty object.
    def dataset(fields: Object) -> Object:
        facets = {name: facet(name, of) for name, of in fields.get("facets", {}).items()}
        return {**fields, "facets": facets or None}

    fields = {key: value for key, value in event.items() if key != "schemaURL"}
    return Serde.to_dict(
        RunEvent(
            **{
                **fields,
                "eventType": RunState(event["eventType"]),
                "run": Run(**event["run"], facets=None),
                "job": Job(**event["job"], facets=None),
                "inputs": [
                    InputDataset(**dataset(each), inputFacets=None) for each in event["inputs"]
                ],
                "outputs": [
                    OutputDataset(**dataset(each), outputFacets=None) for each in event["outputs"]
                ],
            }
        )
    )


@pytest.mark.parametrize("tags", [TAGS, {}], ids=["all that is known", "nothing known"])
@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        ("RUNNING", ["START"]),
        ("FINISHED", ["START", "COMPLETE"]),
        ("FAILED", ["START", "FAIL"]),
        ("KILLED", ["START", "ABORT"]),
    ],
)
def test_the_events_are_those_that_the_official_client_writes(
    tags: dict[str, str], status: str, kinds: list[str]
) -> None:
    written = events(tags, status)
    assert [event["eventType"] for event in written] == kinds
    for event in written:
        assert as_the_client_writes(event) == event
        # The client takes any text for a URI.
        assert urlsplit(event["producer"]).scheme
