"""Django at the same work as ours.c: django_data.py MODE COUNT, with DATABASE_URL; prints the same lines.

    make     the table, COUNT rows by bulk_create()
    iterate  all rows by iterator(), 2,000 at a time
"""
import datetime
import os
import resource
import sys
import time
import urllib.parse

import django
from django.conf import settings

BATCH = 2000
url = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
if url.scheme == "sqlite":
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": url.path}
else:
    database = {"ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], "HOST": url.hostname,
                "PORT": url.port, "USER": url.username}
settings.configure(DATABASES={"default": database}, USE_TZ=True, INSTALLED_APPS=[],
                   DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
django.setup()
from django.db import connection, models  # noqa: E402


class Item(models.Model):
    name = models.CharField(max_length=200)
    description = models.TextField()
    price = models.FloatField()
    quantity = models.BigIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        app_label = "bench"
        db_table = "items"


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_kb():
    """Not ru_maxrss, which begins with what the parent had at fork."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def report(began, began_cpu, count, total):
    seconds = time.monotonic() - began
    print(f"us {seconds * 1e6 / count:.3f}\ncpu_us {(cpu() - began_cpu) * 1e6 / count:.3f}\nseconds {seconds:.3f}\n"
          f"peak_kb {peak_kb()}\nsum {total}")


def make(count):
    if url.scheme == "sqlite":
        connection.cursor().execute("PRAGMA journal_mode=WAL")
    with connection.schema_editor() as editor:
        editor.create_model(Item)
    began, began_cpu = time.monotonic(), cpu()
    first = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    Item.objects.bulk_create([
        Item(name=f"Alpha bravo {i}", description="charlie delta echo foxtrot golf hotel india juliet kilo lima",
             price=i % 1000 + 0.25, quantity=i % 500, created_at=first + datetime.timedelta(seconds=i))
        for i in range(count)])
    report(began, began_cpu, count, 1)


def iterate():
    began, began_cpu, count, total = time.monotonic(), cpu(), 0, 0
    for item in Item.objects.iterator(chunk_size=BATCH):
        total += item.quantity + len(item.name)
        count += 1
    report(began, began_cpu, count, total)


if __name__ == "__main__":
    make(int(sys.argv[2])) if sys.argv[1] == "make" else iterate()
