"""What the two sides answer differently on purpose, each with where that is decided."""
import json

HERE = "docs/decisions/0097-where-drf-is-not-followed.md: "


def body(request):
    try:
        return json.loads(request.get("body") or "null")
    except ValueError:
        return None


def sends(field, test):
    """Whether the request's JSON has such a value."""
    return lambda request, django, calzone: calzone["status"] == 400 and isinstance(body(request), dict) and field in body(request) \
        and test(body(request)[field])


RULES = [  # (why, whether a request and the two answers are such a case)
    (HERE + "an empty page", lambda request, django, calzone: request["target"].endswith("page=")),
    (HERE + "cursors", lambda request, django, calzone: "cursor=%00" in request["target"]),
    (HERE + "surrogates", lambda request, django, calzone: "\\ud800" in (request.get("body") or "") and django["status"] == calzone["status"]),
    (HERE + "pages for browsers", lambda request, django, calzone: request.get("headers", {}).get("Accept") == "text/html"
     and django["status"] == calzone["status"] == 406),
    (HERE + "an empty Accept", lambda request, django, calzone: request.get("headers", {}).get("Accept") == ""),
    (HERE + "numbers", sends("rating", lambda value: value is True)),
    (HERE + "numbers", sends("rating", lambda value: value == "NaN")),
    (HERE + "numbers", sends("author", lambda value: value in (1.5, 10**30))),
    (HERE + "dates", sends("bought", lambda value: value == "2020-2-9")),
    (HERE + "forms", lambda request, django, calzone: "%FF" in (request.get("body") or "") and calzone["status"] == 400),
    (HERE + "lists", sends("tags", lambda value: value == {})),
]


def expected(request, django, calzone):
    """The reason a difference has, or None."""
    for why, applies in RULES:
        if applies(request, django, calzone):
            return why
    return None


def reasons():
    return [why for why, _ in RULES]
