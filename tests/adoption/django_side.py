"""Django's side: a project with a field of every kind, filled and read back.

    django_side.py FOLDER DATABASE-URL migrate      make the tables
    django_side.py FOLDER DATABASE-URL fill         and rows
    django_side.py FOLDER DATABASE-URL dump         every row as canonical JSON
    django_side.py FOLDER DATABASE-URL add          one row of each model, to see that keys go on
    django_side.py FOLDER DATABASE-URL login NAME PASSWORD   whether Django takes the password
"""
import base64
import datetime
import decimal
import json
import os
import sys
import urllib.parse
import uuid

import django
from django.conf import settings

MODELS = '''
import uuid
from django.contrib.auth.models import User
from django.db import models

class Maker(models.Model):
    name = models.CharField(max_length=60, unique=True)
    boss = models.ForeignKey("self", models.SET_NULL, null=True)
    friends = models.ManyToManyField("self")

class Device(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    label = models.CharField(max_length=20)

class Tag(models.Model):
    label = models.SlugField()

class Thing(models.Model):
    title = models.CharField(max_length=80, db_index=True)
    body = models.TextField(null=True)
    slug = models.SlugField(max_length=40, unique=True)
    email = models.EmailField()
    site = models.URLField()
    state = models.CharField(max_length=10, choices=[("new", "New"), ("old", "Old")], default="new")
    small = models.SmallIntegerField(null=True)
    number = models.IntegerField()
    big = models.BigIntegerField()
    positive = models.PositiveIntegerField()
    tiny = models.PositiveSmallIntegerField(null=True)
    flag = models.BooleanField()
    maybe = models.BooleanField(null=True)
    ratio = models.FloatField()
    price = models.DecimalField(max_digits=8, decimal_places=2)
    fine = models.DecimalField(max_digits=15, decimal_places=6, null=True)
    day = models.DateField()
    clock = models.TimeField(null=True)
    seen = models.DateTimeField()
    span = models.DurationField()
    code = models.UUIDField(unique=True)
    other = models.UUIDField(null=True)
    address = models.GenericIPAddressField()
    document = models.JSONField()
    extra = models.JSONField(null=True)
    data = models.BinaryField()
    picture = models.FileField()
    odd = models.IntegerField(db_column="odd 'name'")
    maker = models.ForeignKey(Maker, models.CASCADE, related_name="things")
    device = models.ForeignKey(Device, models.SET_NULL, null=True)
    owner = models.ForeignKey(User, models.PROTECT)
    tags = models.ManyToManyField(Tag)
    devices = models.ManyToManyField(Device, related_name="+")
    shelves = models.ManyToManyField("Shelf", through="Place")

    class Meta:
        unique_together = [("maker", "number")]
        indexes = [models.Index(fields=["day", "price"], name="thing_day_price"),
                   models.Index(fields=["-big"], name="thing_big_down"),
                   models.Index(fields=["number"], name="thing_flagged", condition=models.Q(flag=True))]
        constraints = [models.CheckConstraint(check=models.Q(price__gte=0), name="thing_price"),
                       models.UniqueConstraint(fields=["title", "maker"], condition=models.Q(flag=True), name="thing_one_flagged")]

class Label(models.Model):
    thing = models.OneToOneField(Thing, models.CASCADE)
    text = models.CharField(max_length=30)

class Shelf(models.Model):
    name = models.CharField(max_length=30)
    class Meta:
        db_table = "shop shelf's of mine"

class Place(models.Model):
    thing = models.ForeignKey(Thing, models.CASCADE)
    shelf = models.ForeignKey(Shelf, models.CASCADE)
    position = models.IntegerField(default=0)
'''


def database(url):
    parts = urllib.parse.urlparse(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path}
    return {"ENGINE": "django.db.backends.postgresql", "NAME": parts.path[1:], "HOST": parts.hostname, "PORT": parts.port, "USER": parts.username}


def start(folder, url):
    package = os.path.join(folder, "shop")
    if not os.path.isdir(package):
        os.makedirs(os.path.join(package, "migrations"))
        for name, text in (("__init__.py", ""), ("models.py", MODELS), ("migrations/__init__.py", "")):
            with open(os.path.join(package, name), "w", encoding="utf-8") as file:
                file.write(text)
    sys.path.insert(0, folder)
    settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "shop"], USE_TZ=True, TIME_ZONE="UTC",
                       SECRET_KEY="x", DATABASES={"default": database(url)}, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
    django.setup()


def migrate():
    from django.core.management import call_command
    if not os.path.exists(os.path.join(os.path.dirname(sys.modules["shop"].__file__), "migrations", "0001_initial.py")):
        call_command("makemigrations", "shop", verbosity=0)
    call_command("migrate", verbosity=0)


UTC = datetime.timezone.utc
VALUES = [
    {"title": "plain", "body": None, "email": "a@example.com", "site": "http://example.com/", "small": None, "number": 0, "big": 0, "positive": 0, "tiny": None,
     "flag": True, "maybe": None, "ratio": 0.0, "price": "0.00", "fine": None, "day": datetime.date(2024, 2, 29), "clock": None,
     "seen": datetime.datetime(2024, 1, 1, tzinfo=UTC), "span": datetime.timedelta(0), "other": None, "address": "127.0.0.1", "document": {}, "extra": None, "data": b"",
     "picture": "a.png", "odd": 1},
    {"title": "it's \"so\" \\ % _ \u00e4\U0001f4a9", "body": "two\nlines\ttab", "email": "b@example.com", "site": "https://x.org/?q=1&r=%20", "small": -32768, "number": 2147483647,
     "big": 9223372036854775807, "positive": 2147483647, "tiny": 32767, "flag": False, "maybe": True, "ratio": -1.5e300, "price": "999999.99", "fine": "123456789.012345",
     "day": datetime.date(1, 1, 1), "clock": datetime.time(23, 59, 59, 999999), "seen": datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
     "span": datetime.timedelta(days=400, microseconds=1), "other": uuid.UUID(int=2 ** 128 - 1), "address": "2001:db8::1", "document": {"a": [1, 2.5, None, "x"], "\u00e4": {"b": True}},
     "extra": [], "data": bytes(range(256)), "picture": "dir/b.png", "odd": -5},
    {"title": "minus", "body": "", "email": "c@example.com", "site": "", "small": -1, "number": -2147483648, "big": -9223372036854775808, "positive": 3, "tiny": 0, "flag": True,
     "maybe": False, "ratio": 0.1, "price": "3.00", "fine": "-0.000001", "day": datetime.date(9999, 12, 31), "clock": datetime.time(0, 0), "seen": datetime.datetime(1969, 12, 31, 23, 59, 59, 5000, UTC),
     "span": -datetime.timedelta(hours=5, microseconds=7), "other": uuid.UUID(int=7), "address": "::1", "document": ["'", "; --"], "extra": "text", "data": b"\x00'", "picture": "", "odd": 0},
]


def fill():
    from django.contrib.auth.models import Group, User
    from django.contrib.sessions.backends.db import SessionStore
    from shop.models import Device, Label, Maker, Place, Shelf, Tag, Thing
    ann = User.objects.create_superuser("ann", "ann@example.com", "secret of ann")
    ann.groups.add(Group.objects.create(name="staff"))
    session = SessionStore()
    session["x"] = 1
    session.create()
    makers = [Maker.objects.create(name=name) for name in ("first", "second")]
    makers[1].boss = makers[0]
    makers[1].save()
    makers[0].friends.add(makers[1])
    devices = [Device.objects.create(id=uuid.UUID(int=n), label="d%d" % (n % 7)) for n in (1, 2 ** 127)]
    tags = [Tag.objects.create(label=label) for label in ("red", "blue", "green")]
    shelves = [Shelf.objects.create(name=name) for name in ("top", "bottom")]
    for n, values in enumerate(VALUES):
        thing = Thing.objects.create(slug="thing-%d" % n, code=uuid.UUID(int=n), state="old" if n else "new", maker=makers[n % 2],
                                     device=devices[n % 2] if n else None, owner=ann, **values)
        thing.tags.set(tags[:n + 1])
        thing.devices.set(devices[:n])
        Label.objects.create(thing=thing, text="label %d" % n)
        Place.objects.create(thing=thing, shelf=shelves[n % 2], position=n)


def add():
    from django.contrib.auth.models import User
    from shop.models import Maker, Tag
    print(json.dumps([Maker.objects.create(name="of django %d" % Maker.objects.count()).pk, Tag.objects.create(label="added").pk,
                      User.objects.create_user("user%d" % User.objects.count()).pk]))


def canonical(value, field):
    if value is None or isinstance(value, (bool, int, float, str)) and field.get_internal_type() != "JSONField":
        return value
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, decimal.Decimal):
        return str(value.normalize() + 0)
    if isinstance(value, datetime.datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").zfill(26)
    if isinstance(value, datetime.time):
        return value.strftime("%H:%M:%S.%f")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value // datetime.timedelta(microseconds=1)
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    return {"json": value} if field.get_internal_type() == "JSONField" else str(value)


def dump():
    from django.apps import apps
    from django.db import connection
    out = {}
    for model in apps.get_models(include_auto_created=False):
        rows = {}
        for row in model.objects.all():
            fields = {f.column: canonical(f.value_from_object(row), f) for f in model._meta.concrete_fields if not f.primary_key}
            for f in model._meta.local_many_to_many:
                if f.remote_field.through._meta.auto_created:
                    fields[f.name] = sorted(str(x.pk) for x in getattr(row, f.name).all())
            rows[str(row.pk)] = fields
        out[model._meta.db_table] = rows
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
        out["django_migrations"] = cursor.fetchall()
    print(json.dumps(out))


def login(name, password):
    from django.contrib.auth import authenticate
    print(bool(authenticate(username=name, password=password)))


if __name__ == "__main__":
    start(sys.argv[1], sys.argv[2])
    {"migrate": migrate, "fill": fill, "dump": dump, "add": add, "login": login}[sys.argv[3]](*sys.argv[4:])
