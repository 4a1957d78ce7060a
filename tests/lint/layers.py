#!/usr/bin/env python3
"""Check that includes point downward.

The folders of src/ and the public headers stand in layers; a file may include its own layer and those
below. Private headers (x_internal.h) stay in their folder, one back-end knows no other, and examples
use the public API only.
"""
import os
import re
import subprocess
import sys

LAYERS = [
    "base",
    "html json",
    "runtime settings",
    "files http db redis brokers client",
    "orm notifications migrations routing middleware cache tasks events signals search storage mail",
    "parsers renderers serializers views staticfiles pagination filters throttling versioning auth sessions permissions templates "
    "forms websocket sse realtime",
    "admin openapi asyncapi debug metrics health registry graphql clients management idempotency loadtest",
    "testing",
]
RANK = {folder: rank for rank, folders in enumerate(LAYERS) for folder in folders.split()}

# Public headers that are not named as their folder.
OWNERS = {
    "status": "base", "str": "base", "base64": "base", "decimal": "base", "buf": "base",
    "memory": "base", "map": "base", "random": "base",
    "time": "base", "log": "base", "context": "base", "macros": "base",
    "errors": "routing", "lookups": "db", "transactions": "db", "functions": "db",
    "factories": "testing", "file_response": "http",
    "models": "orm", "signals": "orm", "fields": "orm", "queries": "orm", "expressions": "orm", "relations": "orm", "bulk": "orm",
    "validation": "orm", "raw": "orm",
    "databases": "orm",
    "query": "orm", "rows": "orm",
    "passwords": "auth", "jwt": "auth", "authentication": "auth",
    "project": "management", "commands": "management",
    "viewsets": "views", "urls": "routing", "validators": "serializers",
}
WHOLE = "calzone"  # calzone.h includes everything and belongs to nobody
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def owner_of_header(name):
    stem = name[:-2] if name.endswith(".h") else name
    return OWNERS.get(stem, stem)


def owner_of_file(path):
    parts = path.split("/")
    if path.startswith("include/calzone/"):
        return owner_of_header(parts[2])
    return parts[1] if len(parts) > 2 else None


def check_include(path, owner, kind, target):
    """The sentence that says what is wrong with an include, or None."""
    if kind == "<":
        if not target.startswith("calzone/"):
            return None
        included = owner_of_header(target[len("calzone/"):])
        if not os.path.exists("include/" + target):
            return "include/%s does not exist" % target
        if included == "testing" and path.endswith(("_test.c", "_testing.h", "_fuzz.c")):
            return None
        if included == WHOLE:
            return None if path.endswith("_test.c") else "includes all of calzone.h"
    else:
        beside = os.path.normpath(os.path.join(os.path.dirname(path), target))
        if os.path.exists(beside):
            full = beside
        elif os.path.exists("src/" + target):
            full = "src/" + target
        else:
            return None  # made by the build
        included = owner_of_file(full)
        if full.endswith("_internal.h") and included != owner:
            return "%s is private to %s/" % (target, included)
        here, there = path.split("/"), full.split("/")
        if here[1] == there[1] and len(here) > 3 and len(there) > 3 and here[2] != there[2]:
            return "%s belongs to another back-end" % target
    if included not in RANK:
        return "%s has no layer; add it to tests/lint/layers.py" % target
    if RANK[included] > RANK[owner]:
        return "%s (%s) lies above %s" % (target, included, owner)
    return None


def check_example(path, kind, target):
    if kind == '"' and not os.path.exists(os.path.join(os.path.dirname(path), target)):
        parts = path.split("/")
        if not os.path.exists(os.path.join(*parts[:2], target)):
            return "%s is not the example's own; examples use <calzone/...>" % target
    return None


def main():
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.c", "*.h", "*.S"],
        check=True, capture_output=True, text=True).stdout.split()
    bad = 0
    for path in files:
        if not os.path.exists(path):
            continue
        is_example = path.startswith("examples/")
        is_library = path.startswith(("src/", "include/calzone/"))
        if not is_example and not is_library:
            continue
        owner = owner_of_file(path)
        if is_library and owner == WHOLE:
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if is_library and owner not in RANK:
            print("%s: %s has no layer; add it to tests/lint/layers.py" % (path, owner))
            bad += 1
            continue
        for match in INCLUDE.finditer(text):
            kind, target = match.groups()
            wrong = (check_example(path, kind, target) if is_example
                     else check_include(path, owner, kind, target))
            if wrong:
                line = text.count("\n", 0, match.start(1)) + 1
                print("%s:%d: %s" % (path, line, wrong))
                bad += 1
    return 1 if bad else 0


sys.exit(main())
