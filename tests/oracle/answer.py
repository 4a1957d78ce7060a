"""Django's side of the oracle test: `answer.py FOLDER FIXTURE URL` makes the tables, loads and asks.

FOLDER holds the generated app `shop`. Prints a JSON line for each question, as the other side does.
"""
import datetime
import decimal as decimals
import json
import os
import sys
import urllib.parse
import uuid
import warnings

import django
from django.conf import settings

folder, fixture, url = sys.argv[1:]
sys.path.insert(0, folder)
parts = urllib.parse.urlparse(url)
database = {"ENGINE": "django.db.backends.sqlite3", "NAME": url[len("sqlite:///"):]} if parts.scheme == "sqlite" else {
    "ENGINE": "django.db.backends.postgresql", "NAME": parts.path[1:], "USER": parts.username, "PASSWORD": parts.password or "",
    "HOST": parts.hostname, "PORT": parts.port}
warnings.simplefilter("ignore")
settings.configure(DATABASES={"default": database}, INSTALLED_APPS=["shop"], USE_TZ=True, TIME_ZONE="UTC",
                   DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", SECRET_KEY="none")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import IntegrityError, connection, transaction  # noqa: E402

names = {"decimal": decimals.Decimal, "day": datetime.date.fromisoformat, "clock": datetime.time.fromisoformat, "uid": uuid.UUID,
         "instant": lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))}
exec("""
from django.db.models import *
from django.db.models.functions import *
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.utils.dateparse import parse_duration as span
from shop.models import *
""", names)


def plain(v):
    if isinstance(v, datetime.datetime):
        text = v.astimezone(datetime.timezone.utc).isoformat()
        return text.replace("+00:00", "Z")
    if isinstance(v, (datetime.date, datetime.time)):
        return v.isoformat()
    if isinstance(v, datetime.timedelta):
        return v // datetime.timedelta(microseconds=1)
    if isinstance(v, (decimals.Decimal, uuid.UUID)):
        return str(v)
    return v


def rows_of(model):
    fields = [f.attname for f in model._meta.concrete_fields]
    return [[model.__name__] + list(row) for row in model.objects.order_by("id").values_list(*fields)]


def change(function, states):
    """What a change says and leaves, taken back."""
    with transaction.atomic():
        out = [[function()]]
        connection.check_constraints()
        for state in states:
            if state == "Links":
                links = names["Thing"].tags.through.objects.order_by("thing", "tag").values_list("thing", "tag")
                out += [["Links", *link] for link in links]
            else:
                out += rows_of(names[state])
        transaction.set_rollback(True)
    return out


names["change"] = change
with open(os.devnull, "w") as quiet:
    call_command("migrate", run_syncdb=True, verbosity=0, stdout=quiet)
    call_command("loaddata", fixture, verbosity=0, stdout=quiet)
with open(os.path.join(folder, "questions.json")) as file:
    for question in json.load(file):
        answer = {"name": question["name"]}
        try:
            answer["rows"] = [[plain(v) for v in row] for row in eval(question["django"], names)]
        except IntegrityError:
            answer["error"] = "integrity"
        except Exception as e:
            answer["error"] = "%s: %s" % (type(e).__name__, e)
        print(json.dumps(answer))
counts = {m.__name__: m.objects.count() for m in django.apps.apps.get_models()}
print(json.dumps({"counts": counts}))
