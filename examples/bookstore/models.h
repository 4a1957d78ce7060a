/* The Bookstore's models: authors, their books, and magazines. */
#ifndef BOOKSTORE_MODELS_H
#define BOOKSTORE_MODELS_H

#include <calzone/calzone.h>

/* What a book is about; magazines have two more. */
static const cz_choice BOOK_CATEGORIES[] = {
    { "fiction", "Fiction" },       { "poetry", "Poetry" },     { "drama", "Drama" },
    { "philosophy", "Philosophy" }, { "science", "Science" },   { "history", "History" },
    { "biography", "Biography" },   { "children", "Children" }, { "reference", "Reference" },
    { "computing", "Computing" },
};
static const cz_choice MAGAZINE_CATEGORIES[] = {
    { "fiction", "Fiction" },       { "poetry", "Poetry" },     { "drama", "Drama" },
    { "philosophy", "Philosophy" }, { "science", "Science" },   { "history", "History" },
    { "biography", "Biography" },   { "children", "Children" }, { "reference", "Reference" },
    { "computing", "Computing" },   { "news", "News" },         { "literature", "Literature" },
};

/* The checks of validators.c, for the fields below. */
const char *validate_isbn(cz_str text, double number);
const char *validate_issn(cz_str text, double number);

CZ_MODEL_FORWARD(Book)

#define AUTHOR(F)                                                                                  \
    F(char_field, name, .max_length = 120, .unique = true, .example = "Ovid")                      \
    F(int_field, birth_year, .null = true, .min = cz_int(-3000), .max = cz_int(2100),              \
      .example = "-43")                                                                            \
    F(int_field, death_year, .null = true, .min = cz_int(-3000), .max = cz_int(2100),              \
      .example = "17")                                                                             \
    F(char_field, source, .max_length = 200, .blank = true)                                        \
    F(reverse, books, Book, author)
CZ_MODEL(Author, AUTHOR, .ordering = CZ_ORDER_BY(CZ_ASC(Author, name)));

#define BOOK(F)                                                                                    \
    F(char_field, title, .max_length = 200, .index = true, .example = "Metamorphoses")             \
    F(foreign_key, author, Author, .on_delete = CZ_PROTECT)                                        \
    F(char_field, isbn, .max_length = 13, .unique = true, .null = true,                            \
      .validator = validate_isbn, .example = "9780140447897")                                      \
    F(int_field, year, .null = true, .min = cz_int(-3000), .max = cz_int(2100), .example = "8")    \
    F(char_field, category, .max_length = 20, .choices = CZ_CHOICES(BOOK_CATEGORIES))              \
    F(char_field, language, .max_length = 8, .default_ = cz_text("en"), .example = "la")           \
    F(char_field, source, .max_length = 200, .blank = true)
CZ_MODEL(Book, BOOK, .ordering = CZ_ORDER_BY(CZ_ASC(Book, title)));

#define MAGAZINE(F)                                                                                \
    F(char_field, title, .max_length = 200, .unique = true, .example = "Nature")                   \
    F(char_field, issn, .max_length = 9, .unique = true, .null = true, .validator = validate_issn, \
      .example = "0028-0836")                                                                      \
    F(int_field, founded, .null = true, .min = cz_int(1600), .max = cz_int(2100),                  \
      .example = "1869")                                                                           \
    F(char_field, category, .max_length = 20, .choices = CZ_CHOICES(MAGAZINE_CATEGORIES))          \
    F(char_field, publisher, .max_length = 120, .blank = true)                                     \
    F(char_field, source, .max_length = 200, .blank = true)
CZ_MODEL(Magazine, MAGAZINE, .ordering = CZ_ORDER_BY(CZ_ASC(Magazine, title)));

#endif
