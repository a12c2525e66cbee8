#!/usr/bin/env python3
"""Keeps docs/openapi.json in form: copies the schemas that it shares with the commands' output from docs/schemas into its components, and
lays the file out. The rest of it is written by hand.
  scripts/openapi.py            rewrites the file
  scripts/openapi.py --check    says whether that would change anything
"""
import argparse
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/openapi.json"
SCHEMAS = ROOT / "docs/schemas"
# What the API answers; the others are of commands only.
SHARED = (
    "event", "event-page", "message", "message-list", "message-route", "retention", "retention-run", "route", "stats", "steer-totals",
    "steered-message", "suppression-list", "upstream", "upstream-forecast", "upstream-hooks", "upstream-list", "upstream-test", "user-list",
)
WIDTH = 120


def component(reference: str, home: str) -> str:
    """"message.json#/$defs/time" is "#/components/schemas/message.time" in the document; `home` is the file that the reference is in."""
    file, _, pointer = reference.partition("#")
    name = re.sub(r"\.json$", "", file) or home
    return "#/components/schemas/" + name + pointer.replace("/$defs/", ".")


def translated(value, home: str):
    if isinstance(value, list):
        return [translated(item, home) for item in value]
    if not isinstance(value, dict):
        return value
    out = {}
    for key, item in value.items():
        if key in ("$schema", "$id", "$defs"):
            continue
        out[key] = component(item, home) if key == "$ref" else translated(item, home)
    return out


def shared_components() -> dict:
    out = {}
    for name in SHARED:
        schema = json.loads((SCHEMAS / f"{name}.json").read_text())
        out[name] = translated(schema, name)
        for inner, definition in schema.get("$defs", {}).items():
            out[f"{name}.{inner}"] = translated(definition, name)
    return out


def laid_out(value, indent: int = 0, before: int = 0) -> str:
    """JSON in which what fits on a line stands on one; `before` is what stands in front of it already."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + before <= WIDTH or not isinstance(value, (dict, list)) or not value:
        return flat
    pad, end = " " * (indent + 2), " " * indent
    if isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            return "[\n" + filled([json.dumps(item, ensure_ascii=False) for item in value], pad) + f"\n{end}]"
        rows = [pad + laid_out(item, indent + 2, indent + 3) for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{end}]"
    rows = []
    for key, item in value.items():
        head = f"{pad}{json.dumps(key, ensure_ascii=False)}: "
        rows.append(head + laid_out(item, indent + 2, len(head) + 1))
    return "{\n" + ",\n".join(rows) + f"\n{end}}}"


def filled(words: list[str], pad: str) -> str:
    lines = [pad + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + 3 > WIDTH:
            lines.append(pad + word)
        else:
            lines[-1] += ", " + word
    return ",\n".join(lines)


def renewed(text: str) -> str:
    document = json.loads(text)
    schemas = document["components"]["schemas"]
    own = {name: schema for name, schema in schemas.items() if name.partition(".")[0] not in SHARED}
    document["components"]["schemas"] = own | shared_components()
    return laid_out(document) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    text = DOCUMENT.read_text()
    wanted = renewed(text)
    if text == wanted:
        return 0
    if options.check:
        print("docs/openapi.json is not as scripts/openapi.py leaves it: run that, and commit what it changed")
        return 1
    DOCUMENT.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
