#!/usr/bin/env python3
"""Check the documentation: links lead somewhere, C examples compile, and what they print is true.

    docs.py          links, and the syntax of the examples
    docs.py --run    also builds the examples with build/libcalzone.a and runs them

A ```c block that includes a <calzone/...> header is a whole file; other blocks are pieces. One with a
main() is built; one with CZ_TEST is built and its tests are run. A ```console block that follows says what
the program prints (console.py). Its commands run in the page's own empty directory, in which `examples` is that of the
sources; a server runs until the next program at most. A program that no console block follows is run once, as `NAME check`
when it is a project.

The tutorial is run by tests/tutorial/run.
"""
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from console import BLOCK, Console, blocks  # noqa: E402

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FLAGS = ["-std=gnu17", "-Wall", "-Wextra", "-Wno-override-init", "-Iinclude", "-Iexamples"]
LIBRARY = "build/libcalzone.a"
TEST_MAIN = "#include <calzone/testing.h>\nint main(int argc, char **argv) { return cz_test_main(argc, argv); }\n"


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


class Page:
    """One page's examples, built and run in a directory of their own."""

    def __init__(self, path, run):
        self.path, self.run, self.bad = path, run, []
        self.program = None  # the last one built: its name
        self.untold = False  # no console block has run it yet
        self.directory = tempfile.TemporaryDirectory(prefix="calzone-docs-") if run else None
        if run:
            os.symlink(os.path.abspath("examples"), os.path.join(self.directory.name, "examples"))
            self.console = Console(self.directory.name)

    def close(self):
        if self.directory:
            self.console.stop()
            self.directory.cleanup()

    def fail(self, line, text):
        self.bad.append("%s:%d: %s" % (self.path, line, text.rstrip()))

    def gcc(self, line, code, arguments):
        result = subprocess.run(["gcc", *FLAGS, "-Werror", "-x", "c", "-", *arguments],
                                input='#line %d "%s"\n%s' % (line, self.path, code), text=True,
                                capture_output=True)
        if result.returncode:
            self.bad.append(result.stderr.rstrip())
        return result.returncode == 0

    def example(self, line, code):
        self.finish_program(line)
        if not self.run:
            self.gcc(line, code, ["-fsyntax-only"])
            return
        self.console.stop()
        project = re.search(r'^CZ_PROJECT_MAIN\("([\w-]+)"', code, re.M)
        is_test = re.search(r"^CZ_TEST\(", code, re.M)
        name = project.group(1) if project else "example"
        output = os.path.join(self.directory.name, name)
        if not project and not is_test and not re.search(r"^int main\(", code, re.M):
            self.gcc(line, code, ["-O1", "-c", "-o", "/dev/null"])
            return
        if is_test:
            code += TEST_MAIN
        sources = ["examples/bookstore/validators.c"] if '"bookstore/' in code else []
        if self.gcc(line, code, ["-O1", "-o", output, *sources, "-x", "none", LIBRARY, "-lsqlite3", "-lpcre2-8", "-lz", "-lm",
                                 "-lpthread"]):
            self.program, self.untold, self.is_project, self.line = name, True, bool(project), line

    def finish_program(self, line):
        """Run a program whose output the page does not tell."""
        if self.untold:
            self.untold = False
            code, output = self.console.command("./%s%s" % (self.program, " check" if self.is_project else ""))
            if code:
                self.fail(self.line, "%s ended with %d:\n%s" % (self.program, code, output))

    def printed(self, line, text):
        """What a console block says of the last program."""
        if self.run and self.program:
            self.untold = False
            for difference in self.console.differences(text):
                self.fail(line, difference)


def check_examples(path, text, run):
    if "#include <calzone/" not in text and '#include "bookstore/' not in text:
        return []
    page = Page(path, run)
    try:
        for line, language, code in blocks(text):
            if language == "c" and re.search(r'^#include (<calzone/|"bookstore/)', code, re.M):
                page.example(line, code)
            elif language == "console":
                page.printed(line, code)
        if run:
            page.finish_program(0)
    finally:
        page.close()
    return page.bad


def main():
    run = sys.argv[1:] == ["--run"]
    if run and not os.path.exists(LIBRARY):
        print("%s does not exist: ./dev build makes it" % LIBRARY)
        return 1
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                           check=True, capture_output=True, text=True).stdout.split()
    bad = []
    for path in files:
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        bad += check_links(path, text) + check_examples(path, text, run)
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


sys.exit(main())
