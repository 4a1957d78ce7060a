"""The table: what RFC 9110, 9111, 9112 and 3986 ask of an origin server, as bytes and answers.

A row says the RFC's section, its level (MUST, SHOULD, MAY), the rule in our words, the request and what we answer; rows whose rule
permits more say that, too, and peers are judged by it. `tests/wire/run` sends them. A new row goes into the file of its RFC, where
its section stands; a row that fails is mended in the server and not here.

    messages.py   RFC 9112: how messages are written          smuggling.py   what two readers would read differently
    semantics.py  RFC 9110, 9111, 3986: what they mean        rows.py        what a row is
"""
import dataclasses

import messages
import rows
import semantics
import smuggling


def rows_of_all():
    table = rows.Table()
    for part in (messages, semantics, smuggling):
        part.add(table)
    found = table.numbered()
    seen = {}
    for row in found:
        if not 3 <= len(row.text) <= 140 or row.level not in (rows.MUST, rows.SHOULD, rows.MAY):
            raise ValueError("%s: a row has one line of text and a level" % row.id)
        key = (row.request, row.then, row.shut, row.section, row.text)
        if seen.setdefault(key, row.id) != row.id:
            raise ValueError("%s is %s again" % (row.id, seen[key]))
    return found


def as_they_come(found):
    """The rows that send a body to /echo once more, to /pieces, whose handler reads it as it comes. What ends too early has begun to
    be handled there, and is told so."""
    twins = []
    for row in found:
        if b" /echo " not in row.request:
            continue
        want = rows.refused(400) if row.section == "9112 8" and row.want == rows.SILENT else row.want
        twins.append(dataclasses.replace(row, id=row.id + "/pieces", text=row.text + ", read as it comes", want=want,
                                         request=row.request.replace(b" /echo ", b" /pieces "),
                                         then=row.then.replace(b" /echo ", b" /pieces ")))
    return twins


if __name__ == "__main__":
    for row in rows_of_all():
        print("%-16s %-6s %s%s" % (row.id, row.level, row.text, " (pending)" if row.pending else ""))
