"""Make app-descriptions-de.jsonl: what German software centres say of Debian's applications, with category and one-line summary.

Needs PyYAML, which the Jobs' environment has:

    curl -fsS https://deb.debian.org/debian/dists/bookworm/main/dep11/Components-amd64.yml.gz | gunzip > components.yml
    .tuneline/tools/jobs/bin/python examples/data/make_app_descriptions_de.py components.yml examples/data/app-descriptions-de.jsonl

The same file gives the same rows, byte for byte: they stand in the order of a hash of their ID.
"""

import hashlib
import html
import json
import re
import sys

import yaml

BODY_CHARACTERS = range(100, 301)  # of the first paragraphs: German takes more tokens a character
SUMMARY_CHARACTERS = range(15, 81)
ADDRESS = re.compile(r"\S@\S")
ENGLISH = re.compile(r"\b(the|and|with|your|for)\b", re.IGNORECASE)  # a translation that was begun
# The main categories of freedesktop.org's menus, as German menus call them.
CATEGORIES = {
    "Game": "Spiel",
    "Development": "Entwicklung",
    "Education": "Lernen",
    "Science": "Wissenschaft",
    "Graphics": "Grafik",
    "AudioVideo": "Multimedia",
    "Audio": "Multimedia",
    "Video": "Multimedia",
    "Network": "Internet",
    "Office": "Büro",
    "Settings": "Einstellungen",
    "System": "System",
    "Utility": "Zubehör",
}


def first_paragraphs(markup):
    """The first paragraphs that fit together, as text."""
    text = ""
    for paragraph in re.findall(r"<p>(.*?)</p>", markup, re.DOTALL):
        plain = " ".join(html.unescape(re.sub(r"<[^>]+>", "", paragraph)).split())
        # A colon leads to a list, which is left out.
        if len(text) + 1 + len(plain) >= BODY_CHARACTERS.stop or plain.endswith(":"):
            break
        text = f"{text}\n{plain}".strip()
    return text


def rows(components):
    """Yield one row for every application that is described in German and has a category, each text once."""
    seen = set()
    for component in sorted(components, key=lambda one: hashlib.sha256(one["ID"].encode()).digest()):
        summary = component.get("Summary", {}).get("de", "").strip()
        body = first_paragraphs(component.get("Description", {}).get("de", ""))
        category = next((name for key, name in CATEGORIES.items() if key in component.get("Categories", [])), None)
        if category is None or len(body) not in BODY_CHARACTERS or len(summary) not in SUMMARY_CHARACTERS:
            continue
        if ADDRESS.search(summary + body) or ENGLISH.search(body) or seen & {summary.lower(), body.lower()}:
            continue
        seen |= {summary.lower(), body.lower()}
        yield {"package": component["Package"], "component": component["ID"], "description": body, "synopsis": f"[{category}] {summary}", "language": "de"}


def main(source, target):
    with open(source, encoding="utf-8") as text:
        components = [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one and "ID" in one]
    with open(target, "w", encoding="utf-8", newline="\n") as out:
        count = 0
        for count, row in enumerate(rows(components), 1):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{count} rows of {len(components)} components", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
