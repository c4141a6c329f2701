"""As much of an MLflow tracking server as a stage writes to, that can go away and come back."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

CODES = {404: "RESOURCE_DOES_NOT_EXIST", 503: "TEMPORARILY_UNAVAILABLE"}


class TrackingServer:
    """Keeps what is written; answers every request with `refuses` (an HTTP status) while that is set."""

    def __init__(self, artifacts: Path) -> None:
        self.artifacts = artifacts
        # The client remembers, for a whole process, where a run keeps its artifacts.
        self.run_id = uuid4().hex
        self.metrics: list[dict[str, Any]] = []
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.datasets: list[dict[str, Any]] = []
        self.requests = 0
        self.refuses: int | None = None
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(self))
        self.uri = f"http://127.0.0.1:{self.http.server_port}"
        Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        endpoint = path.partition("?")[0].partition("/mlflow/")[2]
        if endpoint == "runs/log-batch":
            self.metrics += body.get("metrics", [])
            self.params |= {param["key"]: param["value"] for param in body.get("params", [])}
        elif endpoint == "runs/set-tag":
            self.tags[body["key"]] = body["value"]
        elif endpoint == "runs/log-inputs":
            self.datasets += body["datasets"]
        elif endpoint == "runs/get":
            info = {
                "run_id": self.run_id,
                "experiment_id": "0",
                "artifact_uri": str(self.artifacts),
            }
            return {"run": {"info": info | {"status": "RUNNING"}, "data": {}}}
        else:
            raise AssertionError(f"unexpected request {path}")
        return {}

    def curve(self, name: str) -> list[tuple[int, float]]:
        """The points of one metric, (step, value), each once, in the order of the steps."""
        return sorted(
            {(int(m.get("step", 0)), m["value"]) for m in self.metrics if m["key"] == name}
        )


def handler_for(server: TrackingServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length) or b"{}")
            server.requests += 1
            if server.refuses:
                self.reply(server.refuses, {"error_code": CODES[server.refuses], "message": "no"})
            else:
                self.reply(200, server.answer(self.path, body))

        do_GET = do_POST  # noqa: N815 (the name that http.server calls)

        def reply(self, status: int, value: dict[str, Any]) -> None:
            content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
