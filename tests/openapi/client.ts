// The Bookstore by a client that was generated from its document: what is written here compiles when the document says what
// it should, and runs when it is true. `node client.js http://127.0.0.1:PORT`
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { argv: string[]; exit(code: number): never };

type Book = components["schemas"]["SparseBook"]; // a client may ask for some members alone

const [, , baseUrl = "", username = "", password = ""] = process.argv;
const client = createClient<paths, "application/json">({ baseUrl });

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

// Nobody writes without a token, which /v1/token gives for a name and a password.
async function logIn(): Promise<void> {
  const nobody = await client.POST("/v2/authors", { body: { name: "Nobody" } });
  expect(nobody.response.status === 401, "nobody writes without a token");
  const refused = await client.POST("/v1/token", { body: { username, password: "another" } });
  expect(refused.response.status === 401, "another password is refused");
  const { data } = await client.POST("/v1/token", { body: { username, password } });
  const token = given(data, "the token");
  expect(token.token_type === "bearer" && token.expires_in > 0, "it is a bearer token with an end");
  client.use({
    onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${token.access_token}`);
      return request;
    },
  });
}

// A list is read and made in one request, and a member may be a row instead of its key.
async function lists(author: number, ids: number[]): Promise<void> {
  const made = await client.POST("/v2/books", { body: [{ title: "Tristia", author, category: "poetry" }, { title: "Ibis", author, category: "poetry" }] });
  const both = given(made.data, "the two books");
  expect(Array.isArray(both) && both.length === 2, "two books are made at once");
  const id = both.map((book) => `${book.id}`).join();
  expect((await client.DELETE("/v2/books", { params: { query: { id } } })).response.status === 204, "both are deleted at once");
  const query = { expand: "author", fields: "title,author.name" } as const;
  const { data } = await client.GET("/v2/books/{id}", { params: { path: { id: given(ids[0], "an id") }, query } });
  const whose = given(data, "the book").author;
  expect(typeof whose === "object" && whose !== null && whose.name === "Publius Ovidius Naso", "the author is shown");
  expect(given(data, "the book").id === undefined, "what was not asked for is not shown");
}

// What /v1 calls by other names, its list by the key.
async function versionOne(author: number): Promise<void> {
  const isbn = "9780140447897";
  const book = { isbn, title: "Metamorphoses", author, category: "poetry" } as const;
  expect((await client.POST("/v1/book", { body: book })).response.status === 201, "a book is added");
  expect((await client.POST("/v1/book", { body: book })).response.status === 409, "a second of its ISBN is not");
  const params = { path: { id: author }, query: { order: "desc" } } as const;
  const list = given((await client.GET("/v1/author/{id}/book", { params })).data, "the author's books");
  expect(list.some((one) => one.isbn === isbn), "it is among the author's");
  expect((await client.DELETE("/v1/book", { params: { query: { isbn } } })).response.status === 204, "it is deleted");
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
    const book = given(data, title);
    expect(!Array.isArray(book), "one book is answered with one");
    books.push(book);
  }
  return books;
}

async function listPages(): Promise<void> {
  const titles: string[] = [];
  for (let page = 1; ; page++) {
    const { data } = await client.GET("/v2/books", { params: { query: { page: `${page}`, ordering: "-title" } } });
    const found = given(data, "the page");
    titles.push(...found.results.map((book) => given(book.title, "a title")));
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
  const path = { id: given(book.id, "its id") };
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
  const path = { id: given(book.id, "its id") };
  expect((await client.DELETE("/v2/books/{id}", { params: { path } })).response.status === 204, "the book is deleted");
  expect((await client.GET("/v2/books/{id}", { params: { path } })).response.status === 404, "the book is gone");
}

await logIn();
const author = await createAuthor("Publius Ovidius Naso");
const books = await createBooks(author);
const first = given(books[0], "the first book");
await listPages();
await filter(author);
await lists(author, books.map((book) => given(book.id, "an id")));
await versionOne(author);
await update(first);
await refusals(author);
await remove(first);
console.log("the whole flow is as the types say");
