#include "staticfiles/names.h"
#include <calzone/testing.h>

CZ_TEST(what_may_be_looked_for)
{
    static const struct {
        const char *path;
        bool open, open_with_well_known;
    } cases[] = {
        { "app.js", true, true },
        { "a/b/c.js", true, true },
        { "a b&\xc3\xa4.js", true, true },
        { "...", false, false },
        { "a..js", true, true },
        { "a.", true, true },
        { "..", false, false },
        { ".", false, false },
        { "", false, false },
        { "/", false, false },
        { "/app.js", false, false },
        { "app.js/", false, false },
        { "a//b", false, false },
        { "../app.js", false, false },
        { "a/../b", false, false },
        { "a/./b", false, false },
        { "a/..", false, false },
        { ".env", false, false },
        { "a/.env", false, false },
        { ".git/config", false, false },
        { "a/.git/config", false, false },
        { "..a/b", false, false },
        { ".well-known/x", false, true },
        { "a/.well-known/x", false, true },
        { ".well-known/.x", false, false },
        { ".well-known/../x", false, false },
        { ".well-knownx/x", false, false },
        { ".well-know/x", false, false },
        { ".Well-Known/x", false, false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_str path = cz_str_from(cases[i].path);
        CZ_EXPECT_MSG(cz__static_is_open(path, false) == cases[i].open, "%s", cases[i].path);
        CZ_EXPECT_MSG(cz__static_is_open(path, true) == cases[i].open_with_well_known, "%s",
                      cases[i].path);
    }
}

CZ_TEST(a_name_with_a_hash_of_its_content)
{
    static const struct {
        const char *path;
        bool has;
    } cases[] = {
        { "main.3f2a9c1b.js", true },
        { "css/base.27e20196a850.css", true }, /* Django's ManifestStaticFilesStorage */
        { "main.3f2a9c1b.chunk.js", true },
        { "main.min.3f2a9c1b.js", true },
        { "app.d41d8cd98f00b204e9800998ecf8427e.js.map", true },
        { "a.e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.js", true },
        { "a.e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550.js", false },
        { "main.js", false },
        { "main.3f2a9c1.js", false },     /* seven */
        { "main.3F2A9C1B.js", false },    /* large letters */
        { "main.3f2a9c1g.js", false },    /* no hexadecimal */
        { "report.20240131.pdf", false }, /* a date */
        { "photo.1699999999.jpg", false },
        { "a.deadbeef.js", false }, /* words */
        { "a.defaced1.js", true },
        { "3f2a9c1b.js", false }, /* the name itself */
        { "main.3f2a9c1b", false },
        { "main-3f2a9c1b.js", false },
        { "3f2a9c1b/main.js", false },
        { "a.3f2a9c1b.d/main.js", false },
        { ".3f2a9c1b.js", true },
        { "", false },
        { ".", false },
        { "..", false },
        { "main..js", false },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++)
        CZ_EXPECT_MSG(cz__static_has_hash(cz_str_from(cases[i].path)) == cases[i].has, "%s",
                      cases[i].path);
}
