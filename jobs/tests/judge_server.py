"""An OpenAI-compatible chat server with a judge behind it that is right, unless it is told to fail."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, NamedTuple

HANGS, DROPS = -1, 0
Fault = int | str | bytes

WORDS = re.compile(r'"(supported[^"]*)" or "(unsupported[^"]*)"')


class Asked(NamedTuple):
    """A request as it came: `system` and `user` are its two messages, `quoted` the texts in the latter."""

    path: str
    authorization: str
    body: dict[str, Any]
    system: str
    user: str
    quoted: dict[str, str]


class JudgeServer:
    """Supports what `supports` says, and what has all its words in the source.

    `faults` are used up, one by each request; `always` is the fault of all after them. A text is what the
    judge says, with `{yes}`, `{no}` and `{answer}` filled in; bytes are a whole body; a number is an HTTP
    status, whose error has `message`. DROPS ends the connection, HANGS waits for `resume`.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.elsewhere: list[str] = []
        self.faults: deque[Fault] = deque()
        self.always: Fault = ""
        self.message = "no"
        self.supports: Callable[[str, str], bool] = lambda *_: False
        self.resume = Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(self))
        self.http.daemon_threads = True
        self.uri = f"http://127.0.0.1:{self.http.server_port}"
        self.address = f"{self.uri}/v1"
        Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.resume.set()
        self.http.shutdown()
        self.http.server_close()

    def answers(self) -> list[str]:
        """The answers that it was asked about, in order."""
        return [asked.quoted["outputs"] for asked in self.asked]

    def content(self, asked: Asked, said: str) -> str:
        words = WORDS.search(asked.system)
        assert words, asked.system
        yes, no = words.groups()
        if said:
            texts = {"{yes}": yes, "{no}": no, "{answer}": asked.quoted["outputs"]}
            for name, text in texts.items():
                said = said.replace(name, text)
            return said
        source, answer = asked.quoted["inputs"], asked.quoted["outputs"]
        missing = words_of(answer) - words_of(source)
        if missing and not self.supports(source, answer):
            return json.dumps({"rationale": f"not there: {sorted(missing)}", "result": no})
        return json.dumps({"rationale": "all there", "result": yes})


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def read(path: str, authorization: str, body: dict[str, Any]) -> Asked:
    system, user = (message["content"] for message in body["messages"])
    quoted = {}
    for line in user.split("\n"):
        name, _, text = line.partition(": ")
        quoted[name] = json.loads(text)
    return Asked(path, authorization, body, system, user, quoted)


def handler_for(server: JudgeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = read(self.path, self.headers.get("Authorization", ""), body)
            server.asked.append(asked)
            fault = server.faults.popleft() if server.faults else server.always
            match fault:
                case -1:
                    server.resume.wait()
                    self.close_connection = True
                case 0:
                    self.close_connection = True
                case int():
                    self.reply(fault, json.dumps({"error": {"message": server.message}}).encode())
                case bytes():
                    self.reply(200, fault)
                case str():
                    self.reply(200, completion(body["model"], server.content(asked, fault)))

        def do_GET(self) -> None:
            server.elsewhere.append(self.path)
            self.reply(404, b"{}")

        # What a client says that takes this server for its proxy.
        do_CONNECT = do_GET  # noqa: N815 (the name that http.server calls)

        def reply(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def completion(model: str, content: str) -> bytes:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    whole = {"id": "1", "object": "chat.completion", "created": 1, "model": model}
    return json.dumps({**whole, "choices": [choice], "usage": usage}).encode()
