/* The tables of the app, declared once: rows, API and checks follow from them. */
#ifndef NOTES_MODELS_H
#define NOTES_MODELS_H

#include <calzone/calzone.h>

/* A title is one line. NULL when it is, else the sentence for the client. */
const char *validate_title(cz_str text, double number);

#define NOTE(F)                                                                                    \
    F(char_field, title, .max_length = 200, .validator = validate_title)                           \
    F(text_field, body, .blank = true, .default_ = cz_text(""))                                    \
    F(bool_field, pinned, .default_ = cz_bool(false), .index = true)                               \
    CZ_TIMESTAMPED(F)
CZ_MODEL(Note, NOTE, .ordering = CZ_ORDER_BY(CZ_DESC(Note, created_at)));

#endif
