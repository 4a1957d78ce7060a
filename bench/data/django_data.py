"""Django at the same work as ours.c: django_data.py MODE COUNT, with DATABASE_URL; prints the same lines.

    make     the table, COUNT rows by bulk_create()
    iterate  all rows by iterator(), 2,000 at a time
    change   add, index or alter: one change of the table that migrate.c makes
    probe    a reader and a writer beside it, on PostgreSQL
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


class Heap(models.Model):
    name = models.CharField(max_length=200)
    quantity = models.IntegerField()
    price = models.IntegerField()

    class Meta:
        app_label = "bench"
        db_table = "bench_heap"


def change(step):
    """One change by the schema editor, as `migrate` makes it; the table is the one that ours has made."""
    began = time.monotonic()
    with connection.schema_editor(atomic=True) as editor:
        if step == "add":
            field = models.CharField(max_length=20, default="new")
            field.set_attributes_from_name("state")
            editor.add_field(Heap, field)
        elif step == "index":
            editor.add_index(Heap, models.Index(fields=["quantity"], name="heap_quantity"))
        else:
            wider = models.BigIntegerField()
            wider.set_attributes_from_name("quantity")
            wider.model = Heap
            editor.alter_field(Heap, Heap._meta.get_field("quantity"), wider)
    print(f"seconds {time.monotonic() - began:.3f}")


def probe():
    """Read and change a row again and again until standard input ends; how long each waited at most."""
    import threading

    import psycopg2
    longest, over = {}, threading.Event()

    def ask(name, sql):
        session = psycopg2.connect(os.environ["DATABASE_URL"])
        session.autocommit = True
        cursor = session.cursor()
        while not over.is_set():
            began = time.monotonic()
            cursor.execute(sql)
            longest[name] = max(longest.get(name, 0), time.monotonic() - began)
            time.sleep(0.001)
        session.close()

    threads = [threading.Thread(target=ask, args=args) for args in (
        ("read_ms", "SELECT name FROM bench_heap WHERE id = 5"),
        ("write_ms", "UPDATE bench_heap SET price = price + 1 WHERE id = 7"))]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    longest.clear()
    print("ready yes", flush=True)
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    for name, seconds in sorted(longest.items()):
        print(f"{name} {seconds * 1000:.2f}")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(int(sys.argv[2]))
    elif sys.argv[1] == "change":
        change(sys.argv[2])
    else:
        {"iterate": iterate, "probe": probe}[sys.argv[1]]()
