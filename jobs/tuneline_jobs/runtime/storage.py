"""References to files and folders, their digests, and writing them so that none is seen half-written."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from .outcome import BadSpec


def path_of(uri: str, field: str) -> Path:
    """The local path that a `file:///` URI names; `field` is what to blame when it names none."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc not in ("", "localhost") or not parts.path:
        raise BadSpec(f'{field}: expected a file:/// URI with an absolute path, got "{uri}".')
    return Path(unquote(parts.path))


def uri_of(path: Path) -> str:
    return "file://" + quote(str(path.absolute()))


def output_folder(uri: str) -> Path:
    """The folder that a spec's `output` names, made if it is missing."""
    folder = path_of(uri, "output")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def appearing_whole(destination: Path) -> Iterator[Path]:
    """A temporary path to write a file or folder to; it gets its final name when the block succeeds."""
    # Pods share the storage, and in each of them the process has the same number.
    temporary = destination.with_name(f".{destination.name}.{socket.gethostname()}.{os.getpid()}")
    try:
        yield temporary
        share(temporary)
        if destination.is_dir():
            shutil.rmtree(destination)
        os.replace(temporary, destination)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def share(path: Path) -> None:
    """Give files the mode that the umask allows: safetensors keeps weights to their owner."""
    umask = os.umask(0)
    os.umask(umask)
    for file in [path, *path.rglob("*")]:
        if file.is_file():
            file.chmod(0o666 & ~umask)


def write_text(destination: Path, text: str) -> None:
    with appearing_whole(destination) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(destination: Path, value: object) -> None:
    write_text(destination, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_json_lines(destination: Path, rows: Sequence[Mapping[str, object]]) -> None:
    write_text(destination, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    # Not str.splitlines: it would also split inside a string that holds U+2028 or the like.
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def digest_of_text(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def digest_of_file(path: Path) -> str:
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            sha256.update(block)
    return "sha256:" + sha256.hexdigest()


def digests_of_files(folder: Path) -> dict[str, str]:
    """The digest of every file under `folder` by its relative name, in the order of the names."""
    names = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    return {name: digest_of_file(folder / name) for name in names}


def digest_of_folder(folder: Path) -> str:
    """One digest over the names and contents of all files under `folder`."""
    return digest_of_text("".join(f"{n} {d}\n" for n, d in digests_of_files(folder).items()))


def output(path: Path, digest: str | None = None) -> dict[str, str]:
    """How an outcome names something that a stage wrote."""
    return {"uri": uri_of(path), "digest": digest or digest_of_file(path)}
