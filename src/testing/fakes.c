/* Plausible text, from a sequence that is the same in every run of a test. */
#include <calzone/factories.h>
#include "testing/testing_internal.h"
#include <inttypes.h>

enum { NUMBER_BYTES = 24 };

/* SplitMix64 (Steele, Lea, Flood 2014): a process runs one test, so each begins here. */
static uint64_t state = 20;

void cz_fake_seed(uint64_t seed)
{
    state = seed;
}

uint64_t cz_fake_u64(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

int64_t cz_fake_between(int64_t low, int64_t high)
{
    uint64_t span = (uint64_t)high - (uint64_t)low + 1; /* 0: all of them */
    uint64_t value = cz_fake_u64();
    return (int64_t)((uint64_t)low + (span ? value % span : value));
}

static const char *const first_names[] = { "Ada",   "Amir",  "Anna",  "Ben",   "Chidi",  "Clara",
                                           "Dina",  "Elena", "Farid", "Grace", "Hugo",   "Ines",
                                           "Jonas", "Kenji", "Lena",  "Maya",  "Nils",   "Olga",
                                           "Priya", "Rosa",  "Sami",  "Tara",  "Victor", "Wanda" };
static const char *const last_names[] = { "Abara",    "Berg",     "Castro", "Dupont", "Eriksen",
                                          "Fontana",  "Garcia",   "Haddad", "Ito",    "Jansen",
                                          "Kowalski", "Lindgren", "Moreau", "Novak",  "Okafor",
                                          "Patel",    "Rossi",    "Santos", "Tanaka", "Weber" };
static const char *const cities[] = { "Amsterdam", "Bergen", "Cordoba", "Dakar", "Ghent",
                                      "Kyoto",     "Lima",   "Porto",   "Riga",  "Tunis" };
static const char *const adjectives[] = { "amber",  "bright", "calm",   "early", "gentle",
                                          "green",  "hidden", "little", "old",   "quiet",
                                          "silver", "slow",   "warm",   "wide",  "young" };
static const char *const nouns[] = { "bridges",  "clouds",  "gardens", "harbours",  "islands",
                                     "lanterns", "letters", "markets", "mountains", "rivers",
                                     "roads",    "stones",  "stories", "winters",   "windows" };
static const char *const verbs[] = { "answer", "cross", "find", "follow",   "guard",
                                     "keep",   "leave", "meet", "remember", "surround" };
#define PICK(list) ((list)[cz_fake_u64() % CZ_COUNT(list)])

/* At most what the field takes; the lists above are ASCII. */
static void give(const cz_fake *fake, void *out, cz_str text)
{
    if (fake->max_length && text.len > fake->max_length)
        text = cz_str_trim(cz_str_head(text, fake->max_length));
    *(cz_str *)out = text;
}

void cz_fake_first_name(const cz_fake *fake, void *out)
{
    give(fake, out, cz_str_from(PICK(first_names)));
}

void cz_fake_last_name(const cz_fake *fake, void *out)
{
    give(fake, out, cz_str_from(PICK(last_names)));
}

void cz_fake_name(const cz_fake *fake, void *out)
{
    const char *first = PICK(first_names), *last = PICK(last_names);
    give(fake, out, cz_format(fake->ctx, "%s %s", first, last));
}

void cz_fake_city(const cz_fake *fake, void *out)
{
    give(fake, out, cz_str_from(PICK(cities)));
}

/* Shortened before the @, so that it stays one. */
void cz_fake_email(const cz_fake *fake, void *out)
{
    static const char domain[] = "@example.com";
    const char *first = PICK(first_names), *last = PICK(last_names);
    cz_str name = cz_format(fake->ctx, "%s.%s", first, last);
    for (size_t i = 0; i < name.len; i++)
        ((char *)(uintptr_t)name.ptr)[i] |= ' '; /* lower case, and "." stays */
    char number[NUMBER_BYTES];
    size_t digits = cz_u64_write(number, fake->number), rest = sizeof domain - 1 + digits;
    if (fake->max_length && name.len + rest > fake->max_length)
        name = cz_str_head(name, fake->max_length > rest + 1 ? fake->max_length - rest : 1);
    if (name.ptr[name.len - 1] == '.')
        name.len--;
    *(cz_str *)out =
        cz_format(fake->ctx, "%.*s%.*s%s", CZ_STR_ARG(name), (int)digits, number, domain);
}

void cz_fake_words(const cz_fake *fake, void *out)
{
    const char *adjective = PICK(adjectives), *noun = PICK(nouns);
    cz_str text = cz_format(fake->ctx, "%s %s", adjective, noun);
    ((char *)(uintptr_t)text.ptr)[0] &= (char)~' ';
    give(fake, out, text);
}

static cz_str sentence(cz_ctx *ctx)
{
    const char *adjective = PICK(adjectives), *noun = PICK(nouns), *verb = PICK(verbs);
    const char *other = PICK(adjectives), *object = PICK(nouns);
    cz_str text = cz_format(ctx, "%s %s %s the %s %s.", adjective, noun, verb, other, object);
    ((char *)(uintptr_t)text.ptr)[0] &= (char)~' ';
    return text;
}

void cz_fake_sentence(const cz_fake *fake, void *out)
{
    give(fake, out, sentence(fake->ctx));
}

void cz_fake_paragraph(const cz_fake *fake, void *out)
{
    cz_str a = sentence(fake->ctx), b = sentence(fake->ctx), c = sentence(fake->ctx);
    give(fake, out,
         cz_format(fake->ctx, "%.*s %.*s %.*s", CZ_STR_ARG(a), CZ_STR_ARG(b), CZ_STR_ARG(c)));
}
