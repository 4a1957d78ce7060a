"""The measured paths in FastAPI: response models, and the standard library's sqlite3.

The handlers are coroutines that query in the loop: a thread per query costs more than these queries
do.
"""
import os
import sqlite3
from datetime import datetime
from typing import List, Optional

from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

PAGE_SIZE = 50
COLUMNS = "id, name, description, price, quantity, created_at"

app = FastAPI()
database = sqlite3.connect(os.environ["BENCH_DB"], check_same_thread=False)
database.row_factory = sqlite3.Row


class Item(BaseModel):
    id: int
    name: str
    description: str
    price: float
    quantity: int
    created_at: datetime


class Page(BaseModel):
    count: int
    next: Optional[str]
    previous: Optional[str]
    results: List[Item]


@app.get("/json")
async def hello():
    return {"message": "Hello, World!"}


def link(request, page):
    base = f"http://{request.headers['host']}/items"
    return f"{base}?page={page}" if page > 1 else base


@app.get("/items", response_model=Page)
async def items(request: Request, page: int = 1):
    count = database.execute("select count(*) from items").fetchone()[0]
    offset = (page - 1) * PAGE_SIZE
    if page < 1 or (offset >= count and page > 1):
        raise HTTPException(404, "Invalid page.")
    rows = database.execute(
        f"select {COLUMNS} from items order by id limit ? offset ?", (PAGE_SIZE, offset)
    )
    return {
        "count": count,
        "next": link(request, page + 1) if offset + PAGE_SIZE < count else None,
        "previous": link(request, page - 1) if page > 1 else None,
        "results": [dict(row) for row in rows],
    }


@app.get("/items/{id}", response_model=Item)
async def item(id: int):
    row = database.execute(f"select {COLUMNS} from items where id = ?", (id,)).fetchone()
    if not row:
        raise HTTPException(404, "Not found.")
    return dict(row)
