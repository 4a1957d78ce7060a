// The Bookstore by a client that was generated from its document: what is written here compiles when the document says what
// it should, and runs when it is true. `node client.js http://127.0.0.1:PORT`
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[]; exit(code: number): never };

type Book = components["schemas"]["Book"];

const client = createClient<paths, "application/json">({ baseUrl: process.argv[2] ?? "" });

function expect(holds: boolean, what: string): asserts holds {
  if (!holds) {
    console.error(`not so: ${what}`);
    process.exit(1);
  }
}

function given<T>(value: T | undefined, what: string): T {
  expect(value !== undefined, `${what} is given`);
  return value;
}

async function createAuthor(name: string): Promise<number> {
  const { data, response } = await client.POST("/v2/authors", { body: { name, birth_year: -43, death_year: null } });
  expect(response.status === 201, "an author is created");
  const author = given(data, "the author");
  expect(response.headers.get("Location") === `/v2/authors/${author.id}`, "Location leads to the author");
  const born: number | null = author.birth_year;
  expect(born === -43 && author.death_year === null, "the author's years are as sent");
  return author.id;
}

async function createBooks(author: number): Promise<Book[]> {
  const books: Book[] = [];
  for (const [title, category, year] of [["Amores", "poetry", -16], ["Fasti", "poetry", 8], ["Medea", "drama", null]] as const) {
    const { data, response } = await client.POST("/v2/books", { body: { title, author, category, year } });
    expect(response.status === 201, `${title} is created`);
    books.push(given(data, title));
  }
  return books;
}

async function listPages(): Promise<void> {
  const titles: string[] = [];
  for (let page = 1; ; page++) {
    const { data } = await client.GET("/v2/books", { params: { query: { page: `${page}`, ordering: "-title" } } });
    const found = given(data, "the page");
    titles.push(...found.results.map((book) => book.title));
    expect(found.count === 3, "the page counts every book");
    if (found.next === null) break;
  }
  expect(titles.join() === "Medea,Fasti,Amores", "the pages have every book in order");
}

async function filter(author: number): Promise<void> {
  const query = { author, category: "poetry", year__gte: 0 } as const;
  const { data } = await client.GET("/v2/books", { params: { query } });
  expect(given(data, "the list").results.map((book) => book.title).join() === "Fasti", "the filters leave one book");
  const wrong = await client.GET("/v2/books", { params: { query: { category: "cookery" as "poetry" } } });
  expect(wrong.response.status === 400 && wrong.error !== undefined, "a category that is none is an error");
}

async function update(book: Book): Promise<void> {
  const path = { id: book.id };
  const read = await client.GET("/v2/books/{id}", { params: { path } });
  const tag = read.response.headers.get("ETag") ?? "";
  expect(tag.length > 2, "the book has an ETag");
  const body = { title: "Amores, again" };
  const changed = await client.PATCH("/v2/books/{id}", { params: { path, header: { "If-Match": tag } }, body });
  expect(given(changed.data, "the changed book").title === body.title, "the title is changed");
  const late = await client.PATCH("/v2/books/{id}", { params: { path, header: { "If-Match": tag } }, body });
  expect(late.response.status === 412, "an old ETag is refused");
  const error = given(late.error, "the error") as components["schemas"]["Error"];
  expect(error.code === "precondition_failed", "the error has its code");
}

async function refusals(author: number): Promise<void> {
  const invalid = await client.POST("/v2/books", { body: { title: "", author, category: "poetry" } });
  expect(invalid.response.status === 400, "a book without a title is refused");
  const fields = given(invalid.error, "the errors") as components["schemas"]["ValidationErrors"];
  expect(Array.isArray(fields["title"]), "the errors are by field");
  const conflict = await client.DELETE("/v2/authors/{id}", { params: { path: { id: author } } });
  expect(conflict.response.status === 409, "an author with books is not deleted");
}

async function remove(book: Book): Promise<void> {
  const path = { id: book.id };
  expect((await client.DELETE("/v2/books/{id}", { params: { path } })).response.status === 204, "the book is deleted");
  expect((await client.GET("/v2/books/{id}", { params: { path } })).response.status === 404, "the book is gone");
}

const author = await createAuthor("Publius Ovidius Naso");
const books = await createBooks(author);
const first = given(books[0], "the first book");
await listPages();
await filter(author);
await update(first);
await refusals(author);
await remove(first);
console.log("the whole flow is as the types say");
