#!/usr/bin/env python3
"""Check the documentation: links lead somewhere, and whole C examples compile.

A ```c block that includes a <calzone/...> header is a whole file; other blocks are pieces.
"""
import os
import re
import subprocess
import sys

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)


def anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    with open(path, encoding="utf-8") as file:
        headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", file.read()), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def check_links(path, text):
    bad = []
    for target in LINK.findall(BLOCK.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        full = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        if not os.path.exists(full):
            bad.append("%s: link to %s, which does not exist" % (path, target))
        elif anchor and full.endswith(".md") and anchor not in anchors(full):
            bad.append("%s: %s has no heading #%s" % (path, full, anchor))
    return bad


def check_examples(path, text):
    bad = []
    for match in BLOCK.finditer(text):
        language, code = match.groups()
        if language != "c" or "#include <calzone/" not in code:
            continue
        line = text.count("\n", 0, match.start()) + 2
        result = subprocess.run(
            ["gcc", "-std=gnu17", "-Wall", "-Wextra", "-Werror", "-Wno-override-init", "-Iinclude",
             "-Iexamples", "-fsyntax-only", "-x", "c", "-"],
            input='#line %d "%s"\n%s' % (line, path, code), text=True, capture_output=True)
        if result.returncode:
            bad.append(result.stderr.rstrip())
    return bad


def main():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                           check=True, capture_output=True, text=True).stdout.split()
    bad = []
    for path in files:
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        bad += check_links(path, text) + check_examples(path, text)
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


sys.exit(main())
