"""The profile as one HTML page that needs nothing else: no script, no request, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from .profile import Column, Distribution, Hits, Leakage, Lengths, Profile, Targets

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; vertical-align: top;
  border-bottom: 1px solid #8884; overflow-wrap: anywhere; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
figure { display: inline-block; margin: 0 2rem 1rem 0; }
figcaption, .quiet { color: #777; }
rect { fill: #3b7dd8; }
""".strip()


def render_report(profile: Profile) -> str:
    sections = [
        f"<h1>Data profile</h1>\n<p>{profile['rows']} rows from {escape(profile['source']['uri'])}<br>"
        f'<span class="quiet">{escape(profile["source"]["digest"])}</span></p>',
        section("Columns", columns(profile["columns"])),
        section("Lengths", lengths(profile["lengths"])),
        section("Duplicates", duplicates(profile)),
        section("What a split by rows would leak", leakage(profile["leakage"])),
        section("Personal data", hits(profile["personalData"])),
        section("Prompt injection", hits(profile["promptInjection"])),
        section("Targets", targets(profile["targets"])),
    ]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Data profile</title>
<style>
{STYLE}
</style>
</head>
<body>
{chr(10).join(sections)}
</body>
</html>
"""


def section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{body}"


def table(head: list[str], rows: Iterable[Iterable[object]]) -> str:
    cells = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "\n".join(f"<tr>{''.join(cell(value) for value in row)}</tr>" for row in rows)
    return f"<table>\n<tr>{cells}</tr>\n{body}\n</table>"


def cell(value: object) -> str:
    kind = ' class="number"' if isinstance(value, (int, float)) else ""
    return f"<td{kind}>{escape(str(value))}</td>"


def columns(found: dict[str, Column]) -> str:
    return table(
        ["Column", "Missing", "Empty"], ([n, c["missing"], c["empty"]] for n, c in found.items())
    )


def lengths(found: Lengths) -> str:
    by_title = {
        "Input, characters": found["inputCharacters"],
        "Target, characters": found["targetCharacters"],
        "Input, tokens": found["inputTokens"],
        "Target, tokens": found["targetTokens"],
    }
    rows = ([t, d["p5"], d["p50"], d["p95"], d["max"]] for t, d in by_title.items())
    overview = table(["Length", "5 %", "Median", "95 %", "Longest"], rows)
    above = (
        f"<p>{found['aboveMaxTokens']:.1%} of the rows take more than {found['maxTokens']} "
        "tokens for input and target alone.</p>"
    )
    return "\n".join([overview, above, *(histogram(t, d) for t, d in by_title.items())])


def histogram(title: str, found: Distribution) -> str:
    bins, highest = found["histogram"], max(found["histogram"])
    bars = "".join(
        f'<rect x="{12 * i}" y="{80 - 80 * count / highest:.1f}" width="11" '
        f'height="{80 * count / highest:.1f}"><title>from {i * found["binWidth"]}: {count}</title></rect>'
        for i, count in enumerate(bins)
    )
    width = 12 * len(bins)
    return (
        f'<figure><svg width="{width}" height="80" viewBox="0 0 {width} 80" role="img" '
        f'aria-label="{escape(title)}">{bars}</svg>'
        f"<figcaption>{escape(title)}, 0 to {found['max']}</figcaption></figure>"
    )


def duplicates(profile: Profile) -> str:
    rows = []
    by_kind = {"Exact": profile["exactDuplicates"], "Near": profile["nearDuplicates"]}
    for title, found in by_kind.items():
        pairs = ", ".join(f"{pair['row']} of {pair['first']}" for pair in found["examples"])
        rows.append([title, found["count"], pairs])
    return table(["Kind", "Rows", "Row numbers"], rows)


def leakage(found: Leakage) -> str:
    rows = [["Clusters of near duplicates", found["nearDuplicateClusters"], ""]]
    if "groups" in found:
        shown = ", ".join(found["examples"])
        rows.append([f"Groups, of {found['groups']}", found["leakingGroups"], shown])
    return table(["On both sides", "Count", "Among them"], rows)


def hits(found: dict[str, Hits]) -> str:
    rows = ([kind, h["count"], ", ".join(map(str, h["rows"]))] for kind, h in found.items())
    return table(["Kind", "Rows", "Row numbers"], rows)


def targets(found: Targets) -> str:
    summary = f"<p>{found['distinct']} different targets, {found['repeated']} repeat another.</p>"
    common = table(["Target", "Times"], ([t["text"], t["count"]] for t in found["mostCommon"]))
    return summary + (f"\n{common}" if found["mostCommon"] else "")
