#!/usr/bin/env python3
"""Make the `items` table that every server in this folder serves.

    items.py OUT.db [--rows 1000] [--seed 42]

The rows depend on the seed and the row count alone, so two machines measure the same bytes.
"""
import argparse
import json
import os
import random
import sqlite3

SCHEMA = """create table items(
    id integer primary key,
    name text not null,
    description text not null,
    price real not null,
    quantity integer not null,
    created_at text not null)"""

# What a POST adds to. The columns are those that the application's model has.
ARTICLES = """create table articles(
    id integer primary key autoincrement,
    title text not null,
    slug text not null,
    author_email text not null,
    summary text not null,
    body text not null,
    rating real not null,
    public integer not null,
    published_at text not null) strict"""

WORDS = ("alpha bravo charlie delta echo foxtrot golf hotel "
         "india juliet kilo lima mike november oscar papa").split()


def rows(count=1000, seed=42):
    """Yield (id, name, description, price, quantity, created_at).

    The order of the draws is part of the data: changing it changes every row, and with them
    every figure measured before.
    """
    rng = random.Random(seed)
    for number in range(1, count + 1):
        first, second = rng.choice(WORDS), rng.choice(WORDS)
        description = " ".join(rng.choices(WORDS, k=10))
        price = round(rng.uniform(1, 999), 2)
        quantity = rng.randint(0, 500)
        month, day = rng.randint(1, 12), rng.randint(1, 28)
        hour, minute, second_of = rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59)
        created_at = f"2026-{month:02}-{day:02} {hour:02}:{minute:02}:{second_of:02}"
        yield number, f"{first.title()} {second} {number}", description, price, quantity, created_at


def article(seed=42):
    """A JSON document of 2 KB, the body of a POST."""
    rng = random.Random(seed)
    text = {"title": "What the tide left", "slug": "what-the-tide-left", "author_email": "ann@example.com",
            "summary": " ".join(rng.choices(WORDS, k=20)), "body": "", "rating": 4.5, "public": True,
            "published_at": "2026-11-21T08:30:00Z"}
    while len(json.dumps(text)) < 2048:
        text["body"] += rng.choice(WORDS) + rng.choice((" ", " ", " ", ", ", ".\n", " \"", "\u00e9 "))
    text["body"] = text["body"].strip()  # as serializers take it
    return json.dumps(text, ensure_ascii=False)


def make_files(folder, seed=42):
    """Files that are served as they are."""
    rng = random.Random(seed)
    os.mkdir(folder)
    for name, size in (("10k.bin", 10 << 10), ("1m.bin", 1 << 20)):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(rng.randbytes(size))


def make(path, count=1000, seed=42):
    for stale in (path, path + "-wal", path + "-shm"):
        if os.path.exists(stale):
            os.remove(stale)
    database = sqlite3.connect(path)
    # WAL, because that is what a web application runs with: readers do not wait for a writer.
    database.execute("pragma journal_mode=wal")
    database.execute(SCHEMA)
    database.executemany("insert into items values(?,?,?,?,?,?)", rows(count, seed))
    database.execute(ARTICLES)
    database.commit()
    database.execute("analyze")
    database.commit()
    database.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the items table the benchmark serves.")
    parser.add_argument("out", metavar="OUT.db")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    make(options.out, options.rows, options.seed)
