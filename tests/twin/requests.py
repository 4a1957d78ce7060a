"""What both sides are asked, in order: a list of requests as dictionaries. {0} in a cursor's target is the link of the answer
before."""
import json


def ask(method, target, body=None, **more):
    request = {"method": method, "target": target, **more}
    if body is not None:
        request["body"] = body if isinstance(body, str) else json.dumps(body)
    return request


def rows():
    """The rows both begin with, made by requests."""
    for n, name in enumerate(["Ann", "Bob", "Cid", "Dee", "Eve"]):
        yield ask("POST", "/authors/", {"name": name, "email": "%s@example.com" % name.lower() if n % 2 else ""})
    for word in ["old", "new", "red", "blue", "long-one"]:
        yield ask("POST", "/tags/", {"word": word})
    for n in range(13):
        yield ask("POST", "/books/", {
            "title": "Book %s%d" % ("x" * (n % 3), n), "kind": ["novel", "play", "essay"][n % 3], "year": None if n % 4 == 0 else 1900 + n,
            "rating": n / 2, "lent": n % 2 == 0, "bought": "2020-01-%02d" % (n + 1) if n % 3 else None,
            "read_at": "2021-02-03T04:05:06Z" if n % 2 else None, "link": "http://example.com/%d" % n if n % 5 == 0 else "",
            "notes": "né " * n, "author": n % 5 + 1, "tags": [t for t in range(1, 6) if n % t == 0]})


VALUES = {  # of a field: values, good and bad
    "title": ["ok", "", " ", None, 5, 1.5, True, [], {}, "x" * 30, "x" * 31, "a\u0000b", "é", " trimmed "],
    "kind": ["play", "Play", "", None, 3, [], "poem"],
    "year": [1999, "1999", " 1999 ", 1999.0, 1999.5, "x", "", None, 999, 2101, 99999999999, True, [], "1e3", -5],
    "rating": [1, "2.5", "x", None, "", [], 1e400, -1.5],
    "lent": [True, False, "true", "false", 1, 0, "yes", "maybe", None, 2, "", [], "t", "off"],
    "bought": ["2020-02-29", "2021-02-29", "yesterday", 5, None, "", "2020-01-01T00:00:00Z", [], True, " 2020-02-03", "2020-02-03 ", "2020-02-03\t"],
    "read_at": ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00+02:00", "2020-01-01", "2020-01-01T25:00:00Z", "x", 7, None, "", [],
                " 2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z ", "2020-01-01 00:00:00Z"],
    "link": ["http://a.example/x?y=1", "ftp://a.example", "nonsense", "http://", "", None, 5, "http://a b"],
    "notes": ["", " ", "a\nb", None, 5, "x" * 5000],
    "author": [1, "2", 99, "x", None, "", 1.0, True, [], {}, -1],
    "tags": [[], [1], [1, 2], ["3"], [99], ["x"], None, "1", 1, [None], [[1]], [1, 1]],
}
QUERIES = ["", "?page=1", "?page=2", "?page=last", "?page=0", "?page=99", "?page=x", "?page=", "?page=-1", "?page_size=2", "?page_size=99",
           "?page_size=0", "?page_size=x", "?page=2&page_size=3", "?limit=2", "?limit=0", "?limit=x", "?limit=99", "?limit=2&offset=3",
           "?offset=5", "?offset=-1", "?offset=x", "?offset=99", "?kind=novel", "?kind=Novel", "?kind=", "?year=1905", "?year=x",
           "?year__gte=1905", "?year__lt=1905&year__gte=1902", "?year__isnull=true", "?year__isnull=False", "?author=1", "?author=99", "?author=x",
           "?title__icontains=X1", "?bought=2020-01-02", "?bought=x", "?lent=true", "?lent=false", "?author__name=Ann",
           "?author__name__istartswith=a", "?search=x", "?search=x+1", "?search=red", "?search=zzz", "?search=x,1", "?ordering=title,id",
           "?ordering=-title,id", "?ordering=year,-id", "?ordering=notes", "?ordering=", "?ordering=-notes,title,-id", "?unknown=1",
           "?kind=play&ordering=-id&page_size=2", "?search=o&kind=essay&ordering=title,id", "?%FF=1", "?kind=novel&kind=play"]


def valid():
    return {"title": "Fresh", "author": 2}


def writes():
    counter = 0
    for field, values in VALUES.items():
        for value in values:
            counter += 1
            body = {**valid(), "title": "T%d" % counter, field: value}
            yield ask("POST", "/books/", body)
            yield ask("PATCH", "/books/%d/" % (counter % 10 + 1), {field: value})
    for missing in ["title", "author"]:
        body = valid()
        del body[missing]
        yield ask("POST", "/books/", body)
        yield ask("PUT", "/books/3/", body)
    yield ask("PUT", "/books/3/", {"title": "Put", "author": 3})
    yield ask("POST", "/books/", {"title": "Put", "author": 3})  # unique together
    yield ask("PATCH", "/books/4/", {"title": "Put", "author": 3})
    yield ask("PATCH", "/books/4/", {"author": 3})
    yield ask("POST", "/authors/", {"name": "Ann"})
    yield ask("POST", "/authors/", {"name": "Zed", "email": "not one"})
    yield ask("PATCH", "/authors/1/", {"name": "Ann"})
    yield ask("PATCH", "/authors/1/", {"name": "Bob"})
    yield ask("POST", "/tags/", {"word": "no spaces"})
    yield ask("POST", "/tags/", {"word": "red"})


BODIES = ["", "{", "[]", "[1]", "null", "1", "\"x\"", "{}", "{\"title\": }", "{\"title\": \"a\" \"author\": 1}", "nonsense", "{\"a\": 1,}",
          "{\"title\": NaN}", "\ufeff{}", "{\"title\": \"a\", \"title\": \"b\", \"author\": 1}", "{'title': 1}", "{\"title\": \"\\ud800\", \"author\": 1}"]
TYPES = ["application/json", "application/json; charset=utf-8", "text/plain", "application/xml", "application/x-www-form-urlencoded", "nonsense"]
ACCEPTS = ["application/json", "*/*", "application/*", "text/html", "image/png", "application/json;q=0.5, */*;q=0.1", "text/*", "", "text/html, application/json;q=0.9"]


def protocol():
    for body in BODIES:
        yield ask("POST", "/books/", body)
    for kind in TYPES:
        yield ask("POST", "/books/", "title=Form+%s&author=1" % TYPES.index(kind) if "form" in kind else "{\"title\": \"T\", \"author\": 4}", type=kind)
    for accept in ACCEPTS:
        yield ask("GET", "/authors/", headers={"Accept": accept})
    for form in ["?format=json", "?format=xml", "?format="]:
        yield ask("GET", "/authors/" + form)
    for method in ["GET", "PUT", "PATCH", "DELETE"]:
        yield ask(method, "/books/9999/", {} if method in ("PUT", "PATCH") else None)
        yield ask(method, "/books/x/", {} if method in ("PUT", "PATCH") else None)
    yield from (ask(method, "/books/", {}) for method in ["PUT", "PATCH", "DELETE"])
    yield ask("POST", "/books/1/", {})
    yield from (ask(method, "/whole/1/", {}) for method in ["PUT", "PATCH", "DELETE"])
    yield ask("POST", "/whole/", {})
    yield from (ask(method, "/closed/") for method in ["GET", "POST"])
    yield from (ask(method, "/closed/1/") for method in ["GET", "PUT", "PATCH", "DELETE"])
    yield ask("GET", "/nowhere/")


LINKS = ["/authors/1/", "http://twin.example/authors/2/", "/authors/99/", "/books/1/", "/nowhere/", "", None, 5, [], "x"]
SLUGS = [["red"], ["red", "new"], [], ["none"], "red", None, [5], [None]]


def relations():
    for n, link in enumerate(LINKS):
        yield ask("POST", "/linked/", {"title": "Link %d" % n, "author": link})
    for n, slugs in enumerate(SLUGS):
        yield ask("POST", "/linked/", {"title": "Slug %d" % n, "author": "/authors/1/", "tags": slugs})
        yield ask("PATCH", "/linked/2/", {"tags": slugs})


def reads():
    for path in ["/books/", "/slices/"]:
        yield from (ask("GET", path + query) for query in QUERIES)
    for path in ["/whole/", "/linked/", "/authors/", "/tags/"]:
        yield from (ask("GET", path + query) for query in ["", "?page=2", "?page=99", "?search=x"])
        yield ask("GET", path + "1/")
    yield from (ask("GET", "/books/1/" + query) for query in ["", "?kind=novel", "?kind=play", "?search=zzz"])
    yield ask("GET", "/cursors/")
    yield from (ask("GET", "{next}") for _ in range(3))
    yield from (ask("GET", "{previous}") for _ in range(3))
    yield from (ask("GET", "/cursors/?cursor=" + cursor) for cursor in ["x", "%00", ""])


VERSION_ACCEPTS = ["application/json", "application/json; version=v1", "application/json; version=v2", "*/*; version=v2", "application/*;version=v2",
                   "application/json; version=v3", "application/json; version=", "application/json; version=2", "application/json;q=0.5; version=v2",
                   "text/html; version=v1, application/json; version=v2", "*/*; version=v1, application/json; version=v2", "application/json; version=V2"]
VERSION_HOSTS = ["twin.example", "v1.twin.example", "v2.twin.example", "v2.twin.example:8000", "v3.twin.example", "www.twin.example",
                 "a.v2.twin.example", "127.0.0.1", "localhost"]


def versions():
    """Authors in two versions, by each of DRF's schemes."""
    def each(prefix, query="", **more):
        yield ask("GET", prefix + "/authors/" + query, **more)
        yield ask("GET", prefix + "/authors/2/" + query, **more)
    for scheme in ["/spaces", "/paths"]:
        for version in ["v1", "v2", "v3", "V1", "1", "v1.0", "%76%32"]:
            yield from each(scheme + "/" + version)
        for number, body in enumerate([{"name": "Path"}, {"name": ""}, {"name": 5}, {}, "{"]):
            if isinstance(body, dict) and body.get("name") == "Path":
                body = {"name": "%s%d" % (scheme[1:], number)}
            yield ask("POST", scheme + "/v2/authors/", body)
        yield ask("POST", scheme + "/v3/authors/", {"name": "Nobody"})
        yield ask("DELETE", scheme + "/v2/authors/")
    for accept in VERSION_ACCEPTS:
        yield from each("/accepts", headers={"Accept": accept})
    yield ask("POST", "/accepts/authors/", {"name": "Accepted"}, headers={"Accept": "application/json; version=v2"})
    yield ask("POST", "/accepts/authors/", {"name": "Refused"}, headers={"Accept": "application/json; version=v9"})
    for query in ["", "?version=v1", "?version=v2", "?version=v3", "?version=", "?version=%76%32", "?version=v1&version=v2", "?Version=v2",
                  "?version=v2&page=1", "?version"]:
        yield from each("/queries", query)
    yield ask("POST", "/queries/authors/?version=v2", {"name": "Queried"})
    yield ask("POST", "/queries/authors/?version=v7", {"name": "Refused"})
    yield ask("PATCH", "/queries/authors/2/?version=v2", {"email": "x"})
    for host in VERSION_HOSTS:
        yield from each("/hosts", headers={"Host": host})
    yield ask("PUT", "/hosts/authors/2/", {"name": "Bob"}, headers={"Host": "v2.twin.example"})
    yield ask("PUT", "/hosts/authors/2/", {"name": "Bob"}, headers={"Host": "v4.twin.example"})
    yield ask("GET", "/paths/v2/authors/99/")
    yield ask("GET", "/paths/v3/authors/99/")


def metadata():
    """What is said to OPTIONS."""
    for path in ["/books/", "/whole/", "/linked/", "/closed/", "/authors/", "/tags/", "/slices/", "/cursors/"]:
        yield from (ask("OPTIONS", path + end) for end in ["", "1/", "99/"])
    yield from (ask("OPTIONS", path) for path in ["/books/1/?kind=play", "/books/1/?kind=nonsense", "/nowhere/", "/paths/v1/authors/",
                                                   "/paths/v3/authors/"])
    for accept in ["*/*", "image/png", "application/json;q=0.1"]:
        yield ask("OPTIONS", "/books/", headers={"Accept": accept})
    yield ask("OPTIONS", "/accepts/authors/", headers={"Accept": "application/json; version=v2"})
    yield ask("OPTIONS", "/accepts/authors/", headers={"Accept": "application/json; version=v3"})


FORMS = ["title=F1&author=1", "title=F2&author=1&lent=on&year=&tags=1&tags=2", "title=&author=x", "title=F3&author=1&bought=&rating=", "author=1",
         "title=F4&author=1&lent=maybe", "title=F5&author=1&year=1999&year=1998"]


def forms():
    for form in FORMS:
        yield ask("POST", "/books/", form, type="application/x-www-form-urlencoded")
        yield ask("PATCH", "/books/5/", form, type="application/x-www-form-urlencoded")
        parts = "".join("--X\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n" % tuple(pair.split("=", 1)) for pair in form.replace("F", "M").split("&"))
        yield ask("POST", "/books/", parts + "--X--\r\n", type="multipart/form-data; boundary=X")


COVER, TITLE = ("cover", "a.png", "\x89PNG bytes"), ("title", None, "Emma")
COVERS = [  # parts: name, filename (None: text), content
    [TITLE, COVER], [COVER], [TITLE], [], [TITLE, ("cover", "a.png", "")], [TITLE, ("cover", "", "")], [TITLE, ("cover", None, "")],
    [TITLE, ("cover", None, "a.png")], [TITLE, ("cover", None, "0")], [TITLE, ("cover", "a.exe", "x")], [TITLE, ("cover", "a.PNG", "x")],
    [TITLE, ("cover", "png", "x")], [TITLE, ("cover", ".png", "x")], [TITLE, ("cover", "a.png.", "x")], [TITLE, ("cover", "a.tar.jpg", "x")],
    [TITLE, ("cover", "a.png", "x" * 100)], [TITLE, ("cover", "a.png", "x" * 101)], [TITLE, ("cover", "a.gif", "x" * 101)],
    [TITLE, ("cover", "x" * 26 + ".png", "x")], [TITLE, ("cover", "x" * 27 + ".png", "x")], [TITLE, ("cover", "\u00e9" * 26 + ".png", "x")],
    [TITLE, ("cover", "\u00e9" * 27 + ".png", "x")], [TITLE, ("cover", "x" * 300 + ".png", "x")], [TITLE, ("cover", "../up/a.png", "x")],
    [TITLE, ("cover", "C:\\x\\a.png", "x")], [TITLE, ("cover", "..", "x")], [TITLE, COVER, ("cover", "b.exe", "x")],
    [TITLE, ("cover", "b.exe", "x"), COVER], [TITLE, COVER, ("cover", None, "x")], [TITLE, ("cover", None, "x"), COVER],
    [TITLE, COVER, ("cover", "", "")], [TITLE, COVER, ("notes", "a.txt", "x")], [TITLE, COVER, ("notes", "a", "")],
    [TITLE, COVER, ("notes", "", "")], [TITLE, COVER, ("notes", None, "")], [TITLE, COVER, ("notes", None, "x")],
    [("title", None, ""), ("cover", "a.gif", "x")], [("title", None, "x" * 21), COVER], [TITLE, COVER, ("other", "a", "x")],
]


def parts(items):
    for name, filename, content in items:
        file = '' if filename is None else '; filename="%s"\r\nContent-Type: image/png' % filename
        yield '--X\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (name, file, content)
    yield "--X--\r\n"


def files():
    for items in COVERS:
        yield ask("POST", "/books/cover/", "".join(parts(items)), type="multipart/form-data; boundary=X")
    for value in ["a.png", "", 0, 1.5, True, None, [], {}, ["a.png"], {"name": "a.png"}]:
        yield ask("POST", "/books/cover/", {"title": "Emma", "cover": value})
    yield ask("POST", "/books/cover/", {"title": "Emma"})
    yield ask("POST", "/books/cover/", {"title": "Emma", "notes": None})
    yield ask("POST", "/books/cover/")
    for form in ["title=Emma&cover=a.png", "title=Emma&cover=", "title=Emma", ""]:
        yield ask("POST", "/books/cover/", form, type="application/x-www-form-urlencoded")
    yield ask("POST", "/books/cover/", "x", type="image/png")
    yield ask("POST", "/books/cover/", "x", type="multipart/form-data")
    yield ask("GET", "/books/cover/")
    yield ask("OPTIONS", "/books/cover/")


def labels():
    for code, word, nick in [
        ("AB-12", "abc", "ab"), ("AB-12", "abcdef", ""), ("ab-12", "abc", "ab"), (" AB-12 ", " abc ", " ab "), ("AB-123", "abc", "ab"),
        ("xAB-12", "ab", "a"), ("", "", ""), ("AB-12", "\u00e9t\u00e9", "\u00e9t"), ("AB-12", "\u00e9t", "\u00e9"), ("AB-12AB-12", "abcdefg", "abcdefg"),
        (12, 123, 12), (None, None, None), (True, ["abc"], {}), ("AB-12", 12, 1.5),
    ]:
        yield ask("POST", "/books/label/", {"code": code, "word": word, "nick": nick})
    yield ask("POST", "/books/label/", {"code": "AB-12", "word": "abc"})
    yield ask("POST", "/books/label/", "code=AB-12&word=ab&nick=", type="application/x-www-form-urlencoded")
    yield ask("OPTIONS", "/books/label/")


def deletions():
    for target in ["/books/2/", "/books/2/", "/authors/1/", "/tags/1/"]:
        yield ask("DELETE", target)
    yield ask("GET", "/books/?page_size=10")


def stricter():
    """What only one side takes comes last, so that both have the same rows until then."""
    for field, value in [("rating", True), ("rating", "NaN"), ("bought", "2020-2-9"), ("author", 1.5), ("author", 10**30), ("tags", {})]:
        yield ask("POST", "/books/", {"title": "Strict %s %.9s" % (field, value), "author": 2, field: value})
    yield ask("POST", "/books/", "title=%FF&author=2", type="application/x-www-form-urlencoded")


def everything():
    for part in [rows, reads, versions, metadata, protocol, relations, writes, forms, files, labels, reads, deletions, stricter]:
        yield from part()
