"""Make package-descriptions.jsonl: Debian's long package descriptions with their one-line synopses.

Runs on any machine with apt, and needs only the standard library:

    LISTS=$(mktemp -d); mkdir "$LISTS/partial"
    apt-get -o Acquire::Languages=en -o Acquire::GzipIndexes=false -o Dir::State::Lists="$LISTS" update
    python3 examples/data/make_package_descriptions.py "$LISTS" bookworm examples/data/package-descriptions.jsonl

The same lists give the same file, byte for byte: rows are drawn by a hash of the package name, not at random.
"""

import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path

ROWS = 2_000  # about 1.2 MB: small enough to live in the repository, enough to tune and hold out
ROWS_PER_SOURCE = 3  # large sources describe dozens of near-identical binaries
BODY_CHARACTERS = range(120, 421)  # shorter says no more than its synopsis; longer leaves no room in a small context
SYNOPSIS_CHARACTERS = range(20, 81)  # 80 is Debian's own limit
NOT_PROSE = re.compile(r"transitional|dummy|metapackage|meta-package|debug symbols", re.IGNORECASE)
ADDRESS = re.compile(r"\S@\S")  # people's addresses have no place in training data


def stanzas(path):
    """Yield each stanza of a Debian control file as a dict; continuation lines keep their leading space."""
    fields, name = {}, None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if not line:
                if fields:
                    yield fields
                fields, name = {}, None
            elif line[0] == " ":
                fields[name] += "\n" + line
            else:
                name, _, value = line.partition(": ")
                fields[name] = value
    if fields:
        yield fields


def prose(lines):
    """Join wrapped lines; a lone dot ends a paragraph, and a line indented further stands by itself."""
    text = ""
    for line in lines:
        if line == " .":
            text += "\n"
        else:
            text += ("\n" if line.startswith("  ") else " ") + line.strip()
    return re.sub(r" *\n\s*", "\n", text).strip()


def descriptions(path):
    """Map description md5 → (synopsis, body), keeping only texts that hash to the md5 that names them."""
    texts = {}
    for stanza in stanzas(path):
        text = stanza["Description-en"]
        if hashlib.md5(f"{text}\n".encode(), usedforsecurity=False).hexdigest() == stanza["Description-md5"]:
            synopsis, *body = text.split("\n")
            texts[stanza["Description-md5"]] = (synopsis.strip(), prose(body))
    return texts


def pairs(lists, release):
    """Yield one row for every package of the release whose description passes the filters above."""
    for index in sorted(lists.glob(f"*_dists_{release}_*_binary-*_Packages")):
        prefix = re.sub(r"_binary-[^_]+_Packages$", "", index.name)
        texts = descriptions(lists / f"{prefix}_i18n_Translation-en")
        for stanza in stanzas(index):
            synopsis, body = texts.get(stanza.get("Description-md5"), ("", ""))
            if len(body) not in BODY_CHARACTERS or len(synopsis) not in SYNOPSIS_CHARACTERS:
                continue
            if NOT_PROSE.search(f"{synopsis} {body}") or ADDRESS.search(f"{synopsis} {body}"):
                continue
            yield {
                "package": stanza["Package"],
                "source_package": stanza.get("Source", stanza["Package"]).split(" ")[0],
                "description": body,
                "synopsis": synopsis,
                "release": release,
                "component": prefix.rsplit("_", 1)[1],
                "section": stanza["Section"].rsplit("/", 1)[-1],
                "description_md5": stanza["Description-md5"],
            }


def draw(rows):
    """Take ROWS of them in hash order, each synopsis and body once, no source more than ROWS_PER_SOURCE times."""
    per_source, seen, drawn = Counter(), set(), []
    for row in sorted(rows, key=lambda row: hashlib.sha256(row["package"].encode()).digest()):
        texts = {row["synopsis"].lower(), row["description"].lower()}
        if seen & texts or per_source[row["source_package"]] == ROWS_PER_SOURCE:
            continue
        seen |= texts
        per_source[row["source_package"]] += 1
        drawn.append(row)
        if len(drawn) == ROWS:
            break
    return drawn


def main(lists, release, target):
    found = list(pairs(Path(lists), release))
    if not found:
        sys.exit(f"no description of {release} under {lists}\nhint: the lists must be uncompressed; see the docstring")
    rows = draw(found)
    with open(target, "w", encoding="utf-8", newline="\n") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    sources = len({row["source_package"] for row in rows})
    print(f"{len(rows)} rows from {sources} source packages, of {len(found)} that fit", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
