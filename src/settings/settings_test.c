#include <calzone/testing.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "settings/settings_internal.h"

/* ---- .env files ---- */

CZ_TEST(a_dot_env_file_is_read_as_a_shell_would)
{
    static const struct {
        const char *text, *name, *value;
    } good[] = {
        { "A=1", "A", "1" },
        { "A=1\n", "A", "1" },
        { "A=1\r\n", "A", "1" },
        { "A=", "A", "" },
        { "A= # none", "A", "" },
        { "  A=1  ", "A", "1" },
        { "\tA=1", "A", "1" },
        { "export A=1", "A", "1" },
        { "export \t A=1", "A", "1" },
        { "export=1", "export", "1" },
        { "exported=1", "exported", "1" },
        { "# comment\n\n   # more\nA_b9=x", "A_b9", "x" },
        { "A=a b  c", "A", "a b  c" },
        { "A=a # comment", "A", "a" },
        { "A=a#b", "A", "a#b" },
        { "A=#b", "A", "#b" },
        { "A=a=b", "A", "a=b" },
        { "A=$HOME ${X}", "A", "$HOME ${X}" },
        { "A='a # b'", "A", "a # b" },
        { "A='a\\n\"b'", "A", "a\\n\"b" },
        { "A='' # c", "A", "" },
        { "A=\"\"", "A", "" },
        { "A=\"a\\nb\\t\\\\\\\"\\$\\r\"", "A", "a\nb\t\\\"$\r" },
        { "A=\"it's\" # c", "A", "it's" },
        { "A=don't", "A", "don't" },
        { "\xef\xbb\xbf"
          "A=1",
          "A", "1" },
        { "A=gr\xc3\xbc\xc3\x9f", "A", "gr\xc3\xbc\xc3\x9f" },
    };
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    for (size_t i = 0; i < CZ_COUNT(good); i++) {
        cz__env_reader reader;
        cz_str name = { NULL, 0 }, value = { NULL, 0 };
        cz__env_reader_init(&reader, arena, cz_str_from(good[i].text));
        CZ_EXPECT_MSG(!cz__env_reader_next(&reader, &name, &value), "%s: %s", good[i].text,
                      reader.error);
        CZ_EXPECT_STR(name, good[i].name);
        CZ_EXPECT_STR(value, good[i].value);
        CZ_EXPECT_EQ(cz__env_reader_next(&reader, &name, &value), CZ_ENOTFOUND);
    }
    cz_arena_destroy(arena);
}

CZ_TEST(a_malformed_line_is_refused_with_its_number)
{
    static const struct {
        const char *text;
        unsigned line;
    } bad[] = {
        { "A", 1 },          { "=1", 1 },
        { "A =1", 1 },       { "A= 1", 1 },
        { "A\t=1", 1 },      { "1A=1", 1 },
        { "A-B=1", 1 },      { "A.B=1", 1 },
        { "export", 1 },     { "export A", 1 },
        { "export =1", 1 },  { "exportA", 1 },
        { "A: 1", 1 },       { "A='b", 1 },
        { "A='b'c", 1 },     { "A='b'#c", 1 },
        { "A=\"b", 1 },      { "A=\"b\"c", 1 },
        { "A=\"b\\", 1 },    { "A=\"b\\\"", 1 },
        { "A=\"\\x\"", 1 },  { "A=\"\\u0041\"", 1 },
        { "A=\"b\nc\"", 1 }, { "A='b\nc'", 1 },
        { "\n\n?", 3 },      { "# c\r\n\r\nB C=1", 3 },
        { "A=\x01", 1 },     { "A=\x7f", 1 },
        { "#\x1b[31m", 1 },  { "A=\xff", 1 },
        { "A=\xc0\xaf", 1 }, { "\xc3\xa9=1", 1 },
        { "A=b\rc", 1 },     { "<<<<<<< HEAD", 1 },
        { "{\"A\": 1}", 1 }, { "A += 1", 1 },
        { "set A=1", 1 },
    };
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        cz__env_reader reader;
        cz_str name, value;
        cz__env_reader_init(&reader, arena, cz_str_from(bad[i].text));
        CZ_EXPECT_MSG(cz__env_reader_next(&reader, &name, &value) == CZ_EVALIDATION,
                      "\"%s\" was accepted", bad[i].text);
        CZ_EXPECT_MSG(reader.line == bad[i].line && reader.error, "\"%s\": line %u", bad[i].text,
                      reader.line);
    }
    cz__env_reader reader;
    cz_str name, value;
    cz__env_reader_init(&reader, arena, cz_str_of("A=b\0c", 5));
    CZ_EXPECT_EQ(cz__env_reader_next(&reader, &name, &value), CZ_EVALIDATION);
    cz_arena_destroy(arena);
}

/* ---- URLs ---- */

CZ_TEST(a_url_is_taken_apart)
{
    static const struct {
        const char *text;
        const char *scheme, *user, *password, *host;
        unsigned port;
        const char *path, *query;
    } good[] = {
        { "postgresql://u:p@db.example:5432/shop?sslmode=require", "postgresql", "u", "p",
          "db.example", 5432, "/shop", "sslmode=require" },
        { "sqlite:///shop.db", "sqlite", "", "", "", 0, "/shop.db", "" },
        { "sqlite:////srv/shop.db", "sqlite", "", "", "", 0, "//srv/shop.db", "" },
        { "locmem://", "locmem", "", "", "", 0, "", "" },
        { "REDIS://h", "redis", "", "", "h", 0, "", "" },
        { "redis://:p%40ss%2f@h/0", "redis", "", "p@ss/", "h", 0, "/0", "" },
        { "amqp://u@h/%2fv", "amqp", "u", "", "h", 0, "//v", "" },
        { "redis://[::1]:6379/1", "redis", "", "", "::1", 6379, "/1", "" },
        { "redis://[2001:db8::1]", "redis", "", "", "2001:db8::1", 0, "", "" },
        { "smtp+tls://h?a=1?b", "smtp+tls", "", "", "h", 0, "", "a=1?b" },
        { "postgresql:///shop?host=/run/postgresql", "postgresql", "", "", "", 0, "/shop",
          "host=/run/postgresql" },
        { "http://u:a:b@h/p", "http", "u", "a:b", "h", 0, "/p", "" },
        { "file:///gr%C3%BC%C3%9F", "file", "", "", "", 0, "/gr\xc3\xbc\xc3\x9f", "" },
        { "http://h/a@b", "http", "", "", "h", 0, "/a@b", "" },
        { "http://h:65535", "http", "", "", "h", 65535, "", "" },
    };
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    for (size_t i = 0; i < CZ_COUNT(good); i++) {
        cz_url url = { 0 };
        CZ_EXPECT_MSG(!cz_url_parse(arena, cz_str_from(good[i].text), &url), "%s", good[i].text);
        CZ_EXPECT_STR(url.scheme, good[i].scheme);
        CZ_EXPECT_STR(url.user, good[i].user);
        CZ_EXPECT_STR(url.password, good[i].password);
        CZ_EXPECT_STR(url.host, good[i].host);
        CZ_EXPECT_EQ(url.port, good[i].port);
        CZ_EXPECT_STR(url.path, good[i].path);
        CZ_EXPECT_STR(url.query, good[i].query);
    }
    static const char *const bad[] = {
        "",
        "x",
        "://",
        "://h",
        "/a",
        "h:80",
        "http:/h",
        "http:h",
        "1http://h",
        "ht tp://h",
        "ht_p://h",
        "http://h:",
        "http://h:0",
        "http://h:65536",
        "http://h:99999999999999999999",
        "http://h:8x",
        "http://h:-1",
        "http://h:80:80",
        "http://:80",
        "http://u:p@x@h",
        "http://u:p/w@h:80x",
        "http://h\t",
        "http://h /",
        " http://h",
        "http://h\n",
        "http://h/\x01",
        "http://h/\x7f",
        "http://h#f",
        "http://h/p#f",
        "http://h%41/",
        "http://a,b/",
        "http://h!/",
        "http://[::1",
        "http://[::1]x",
        "http://[::1]80",
        "http://[1.2.3.4]/",
        "http://[::g]/",
        "http://[]/",
        "http://[fe80::1%25eth0]/",
        "http://\xc3\xa9/",
        "http://h/%",
        "http://h/%4",
        "http://h/%zz",
        "http://h/%00",
        "http://h/%0a",
        "http://u%0d@h/",
        "http://u:%7f@h/",
        "http://h/\xff",
        "http://u:p:@h:/",
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        cz_url url = { .port = 42 };
        CZ_EXPECT_MSG(cz_url_parse(arena, cz_str_from(bad[i]), &url) == CZ_EVALIDATION,
                      "\"%s\" was accepted", bad[i]);
        CZ_EXPECT_EQ(url.port, 42);
    }
    cz_arena_destroy(arena);
}

CZ_TEST(a_shown_url_has_no_secrets)
{
    static const char *const cases[][2] = {
        { "", "" },
        { "http://h/p", "http://h/p" },
        { "http://u@h/p", "http://u@h/p" },
        { "http://u:p@h/p", "http://u:***@h/p" },
        { "http://:p@h", "http://:***@h" },
        { "http://u:p@ss@h/p", "http://u:***@h/p" },
        { "http://u:p/w@h", "http://u:***@h" },
        { "http://h?password=x&a=b&api_key=y", "http://h?password=***&a=b&api_key=***" },
        { "http://u:p@h?token=a=b", "http://u:***@h?token=***" },
        { "u:p@h", "u:***@h" },
        { "http://h?a@b:c", "http://h?a@b:c" },
    };
    cz_arena *arena;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    for (size_t i = 0; i + 1 < CZ_COUNT(cases); i++) {
        cz_str shown;
        CZ_REQUIRE_OK(cz__url_mask(arena, cz_str_from(cases[i][0]), &shown));
        CZ_EXPECT_STR(shown, cases[i][1]);
    }
    cz_arena_destroy(arena);
}

/* ---- kinds ---- */

CZ_TEST(each_kind_reads_its_text_form_and_nothing_else)
{
    static const struct {
        cz_setting_kind kind;
        const char *text;
        int64_t value;
    } good[] = {
        { CZ_SETTING_INT, "0", 0 },
        { CZ_SETTING_INT, "-12", -12 },
        { CZ_SETTING_INT, "9223372036854775807", INT64_MAX },
        { CZ_SETTING_DURATION, "0", 0 },
        { CZ_SETTING_DURATION, "500ms", 500 },
        { CZ_SETTING_DURATION, "10s", 10000 },
        { CZ_SETTING_DURATION, "5m", 300000 },
        { CZ_SETTING_DURATION, "2h", 7200000 },
        { CZ_SETTING_DURATION, "1d", 86400000 },
        { CZ_SETTING_SIZE, "0", 0 },
        { CZ_SETTING_SIZE, "100", 100 },
        { CZ_SETTING_SIZE, "64k", 65536 },
        { CZ_SETTING_SIZE, "64KB", 65536 },
        { CZ_SETTING_SIZE, "2M", 2097152 },
        { CZ_SETTING_SIZE, "1G", 1073741824 },
        { CZ_SETTING_BOOL, "true", 1 },
        { CZ_SETTING_BOOL, "TRUE", 1 },
        { CZ_SETTING_BOOL, "Yes", 1 },
        { CZ_SETTING_BOOL, "on", 1 },
        { CZ_SETTING_BOOL, "1", 1 },
        { CZ_SETTING_BOOL, "false", 0 },
        { CZ_SETTING_BOOL, "no", 0 },
        { CZ_SETTING_BOOL, "off", 0 },
        { CZ_SETTING_BOOL, "0", 0 },
    };
    cz_arena *arena;
    const char *expected;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    for (size_t i = 0; i < CZ_COUNT(good); i++) {
        struct cz__value value = { .text = cz_str_from(good[i].text), .boolean = !good[i].value };
        CZ_EXPECT_MSG(!cz__value_read(arena, good[i].kind, &value, &expected), "%s", good[i].text);
        int64_t got = good[i].kind == CZ_SETTING_BOOL ? value.boolean : value.integer;
        CZ_EXPECT_MSG(got == good[i].value, "%s gave %lld", good[i].text, (long long)got);
    }
    static const struct {
        cz_setting_kind kind;
        const char *text;
    } bad[] = {
        { CZ_SETTING_INT, "" },
        { CZ_SETTING_INT, "-" },
        { CZ_SETTING_INT, "+1" },
        { CZ_SETTING_INT, " 1" },
        { CZ_SETTING_INT, "1 " },
        { CZ_SETTING_INT, "0x10" },
        { CZ_SETTING_INT, "1e3" },
        { CZ_SETTING_INT, "1.0" },
        { CZ_SETTING_INT, "1_000" },
        { CZ_SETTING_INT, "9223372036854775808" },
        { CZ_SETTING_INT, "ten" },
        { CZ_SETTING_BOOL, "" },
        { CZ_SETTING_BOOL, "2" },
        { CZ_SETTING_BOOL, "t" },
        { CZ_SETTING_BOOL, "y" },
        { CZ_SETTING_BOOL, "true " },
        { CZ_SETTING_BOOL, "enabled" },
        { CZ_SETTING_FLOAT, "" },
        { CZ_SETTING_FLOAT, "." },
        { CZ_SETTING_FLOAT, "1." },
        { CZ_SETTING_FLOAT, ".5" },
        { CZ_SETTING_FLOAT, "nan" },
        { CZ_SETTING_FLOAT, "inf" },
        { CZ_SETTING_FLOAT, "1e999" },
        { CZ_SETTING_FLOAT, "0x1p3" },
        { CZ_SETTING_FLOAT, "1,5" },
        { CZ_SETTING_FLOAT, "1e" },
        { CZ_SETTING_FLOAT, "1e+" },
        { CZ_SETTING_DURATION, "" },
        { CZ_SETTING_DURATION, "10" },
        { CZ_SETTING_DURATION, "s" },
        { CZ_SETTING_DURATION, "-1s" },
        { CZ_SETTING_DURATION, "1.5h" },
        { CZ_SETTING_DURATION, "1 s" },
        { CZ_SETTING_DURATION, "1M" },
        { CZ_SETTING_DURATION, "1h30m" },
        { CZ_SETTING_DURATION, "9223372036854775807d" },
        { CZ_SETTING_SIZE, "" },
        { CZ_SETTING_SIZE, "k" },
        { CZ_SETTING_SIZE, "-1k" },
        { CZ_SETTING_SIZE, "1.5M" },
        { CZ_SETTING_SIZE, "1 k" },
        { CZ_SETTING_SIZE, "1x" },
        { CZ_SETTING_SIZE, "9223372036854775807G" },
        { CZ_SETTING_URL, "localhost" },
        { CZ_SETTING_URL, "http://h:0" },
    };
    for (size_t i = 0; i < CZ_COUNT(bad); i++) {
        struct cz__value value = { .text = cz_str_from(bad[i].text) };
        CZ_EXPECT_MSG(cz__value_read(arena, bad[i].kind, &value, &expected) == CZ_EVALIDATION,
                      "\"%s\" was accepted", bad[i].text);
    }
    struct cz__value real = { .text = CZ_STR("-12.5e-1") };
    CZ_REQUIRE_OK(cz__value_read(arena, CZ_SETTING_FLOAT, &real, &expected));
    CZ_EXPECT(real.real > -1.2500001 && real.real < -1.2499999);
    struct cz__value list = { .text = CZ_STR(" a, b c ,,d,") };
    CZ_REQUIRE_OK(cz__value_read(arena, CZ_SETTING_LIST, &list, &expected));
    CZ_REQUIRE(list.list.count == 3);
    CZ_EXPECT_STR(list.list.items[0], "a");
    CZ_EXPECT_STR(list.list.items[1], "b c");
    CZ_EXPECT_STR(list.list.items[2], "d");
    cz_arena_destroy(arena);
}

/* ---- loading ---- */

static char directory[64];

static void write_file(const char *name, const char *text)
{
    char path[128];
    cz_ignore(snprintf(path, sizeof path, "%s/%s", directory, name)); /* fits */
    FILE *file = fopen(path, "w");
    CZ_REQUIRE(file);
    CZ_REQUIRE(fputs(text, file) >= 0 && fclose(file) == 0);
}

static void remove_directory(void)
{
    static const char *const names[] = { "settings/local.env",
                                         "settings/development.env",
                                         "settings/test.env",
                                         "settings/production.env",
                                         "settings/staging.env",
                                         ".env",
                                         "secret",
                                         "settings",
                                         "" };
    for (size_t i = 0; i < CZ_COUNT(names); i++) {
        char path[128];
        cz_ignore(snprintf(path, sizeof path, "%s/%s", directory, names[i])); /* fits */
        cz_ignore(remove(path)); /* not every test makes every file */
    }
}

/* An empty project and an environment without any of the names used below. */
static void begin(void)
{
    cz_ignore(snprintf(directory, sizeof directory, "/tmp/calzone-settings-XXXXXX")); /* fits */
    CZ_REQUIRE(mkdtemp(directory));
    atexit(remove_directory);
    char path[128];
    cz_ignore(snprintf(path, sizeof path, "%s/settings", directory)); /* fits */
    CZ_REQUIRE(mkdir(path, 0700) == 0);
    clearenv();
}

static const cz_setting table[] = {
    { .name = "NAME", .kind = CZ_SETTING_STRING, .default_value = "shop" },
    { .name = "WORKERS", .kind = CZ_SETTING_INT, .default_value = "2", .min = 1, .max = 64 },
    { .name = "DEBUG", .kind = CZ_SETTING_BOOL },
    { .name = "RATE", .kind = CZ_SETTING_FLOAT, .default_value = "0.5" },
    { .name = "TIMEOUT",
      .kind = CZ_SETTING_DURATION,
      .default_value = "30s",
      .min = 1,
      .max = 60000 },
    { .name = "BODY_MAX", .kind = CZ_SETTING_SIZE, .default_value = "2M" },
    { .name = "ALLOWED_HOSTS", .kind = CZ_SETTING_LIST },
    { .name = "MEDIA", .kind = CZ_SETTING_PATH },
    { .name = "DATABASE_URL", .kind = CZ_SETTING_URL, .default_value = "sqlite:///shop.db" },
    { .name = "SECRET_KEY",
      .kind = CZ_SETTING_STRING,
      .default_value = "insecure",
      .required_in_production = true },
};
static const cz_setting_table tables[] = { { table, CZ_COUNT(table) } };

static cz_settings *load(void)
{
    cz_settings *settings;
    cz_error err = { 0 };
    if (cz_settings_load(directory, tables, 1, &settings, &err)) {
        cz__test_fail(__FILE__, __LINE__, "%s", err.message);
        cz__test_abort();
    }
    return settings;
}

CZ_TEST(settings_have_their_defaults_when_nothing_is_set)
{
    begin();
    cz_settings *settings = load();
    CZ_EXPECT_EQ(cz_settings_env(settings), CZ_ENV_DEVELOPMENT);
    CZ_EXPECT_STR(cz_setting_str(settings, "NAME"), "shop");
    CZ_EXPECT_EQ(cz_setting_int(settings, "WORKERS"), 2);
    CZ_EXPECT_EQ(cz_setting_int(settings, "TIMEOUT"), 30000);
    CZ_EXPECT_EQ(cz_setting_int(settings, "BODY_MAX"), 2097152);
    CZ_EXPECT(!cz_setting_bool(settings, "DEBUG"));
    CZ_EXPECT_EQ(cz_setting_float(settings, "RATE") * 10, 5);
    CZ_EXPECT_EQ(cz_setting_list(settings, "ALLOWED_HOSTS").count, 0);
    CZ_EXPECT_STR(cz_setting_str(settings, "MEDIA"), "");
    CZ_EXPECT_STR(cz_setting_str(settings, "SECRET_KEY"), "insecure");
    cz_settings_destroy(settings);
}

CZ_TEST(the_first_source_that_has_a_name_wins)
{
    begin();
    write_file(".env", "NAME=dotenv\nRATE=4\nMEDIA=/m\nALLOWED_HOSTS=a,b\n");
    write_file("settings/development.env", "NAME=development\nRATE=3\nWORKERS=3\n");
    write_file("settings/production.env", "NAME=production\nSECRET_KEY=x\n");
    write_file("settings/local.env", "NAME=local\nRATE=2\nENV=development\n");
    setenv("NAME", "environment", 1);
    cz_settings *settings = load();
    CZ_EXPECT_STR(cz_setting_str(settings, "NAME"), "environment");
    CZ_EXPECT_EQ(cz_setting_float(settings, "RATE"), 2);
    CZ_EXPECT_EQ(cz_setting_int(settings, "WORKERS"), 3);
    CZ_EXPECT_STR(cz_setting_str(settings, "MEDIA"), "/m");
    CZ_EXPECT_EQ(cz_setting_list(settings, "ALLOWED_HOSTS").count, 2);
    cz_settings_destroy(settings);
    setenv("ENV", "production", 1);
    unsetenv("NAME");
    settings = load();
    CZ_EXPECT_EQ(cz_settings_env(settings), CZ_ENV_PRODUCTION);
    CZ_EXPECT_STR(cz_setting_str(settings, "NAME"), "local");
    CZ_EXPECT_STR(cz_setting_str(settings, "MEDIA"), ""); /* .env is not for production */
    cz_settings_destroy(settings);
}

CZ_TEST(name_file_names_a_file_with_the_value)
{
    begin();
    write_file("secret", "from a file\r\n\n");
    char path[128];
    cz_ignore(snprintf(path, sizeof path, "%s/secret", directory)); /* fits */
    setenv("SECRET_KEY_FILE", path, 1);
    write_file("settings/local.env", "SECRET_KEY=local\nNAME_FILE=secret\n");
    cz_settings *settings = load();
    CZ_EXPECT_STR(cz_setting_str(settings, "SECRET_KEY"), "from a file");
    CZ_EXPECT_STR(cz_setting_str(settings, "NAME"), "from a file"); /* below the directory */
    cz_settings_destroy(settings);
    setenv("SECRET_KEY", "direct", 1);
    settings = load();
    CZ_EXPECT_STR(cz_setting_str(settings, "SECRET_KEY"), "direct");
    cz_settings_destroy(settings);
}

CZ_TEST(a_declared_setting_that_ends_in_file_is_no_pointer_to_one)
{
    begin();
    static const cz_setting both[] = { { .name = "LOG", .kind = CZ_SETTING_STRING },
                                       { .name = "LOG_FILE", .kind = CZ_SETTING_PATH } };
    setenv("LOG_FILE", "/nowhere/app.log", 1);
    cz_settings *settings;
    CZ_REQUIRE_OK(cz_settings_load(directory, &(cz_setting_table){ both, 2 }, 1, &settings, NULL));
    CZ_EXPECT_STR(cz_setting_str(settings, "LOG"), "");
    CZ_EXPECT_STR(cz_setting_str(settings, "LOG_FILE"), "/nowhere/app.log");
    cz_settings_destroy(settings);
}

CZ_TEST(a_failure_is_one_line_that_says_what_and_where)
{
    begin();
    static const struct {
        const char *name, *value; /* in the environment; */
        const char *file, *text;  /* or a file */
        cz_status status;
        const char *message;
    } cases[] = {
        { "ENV", "production", NULL, NULL, CZ_EVALIDATION,
          "SECRET_KEY: required string is missing; looked in the environment, SECRET_KEY_FILE, "
          "settings/local.env, settings/production.env" },
        { "ENV", "prod", NULL, NULL, CZ_EVALIDATION,
          "ENV: \"prod\" from environment is none of development, test, staging, production" },
        { "ENV", "", NULL, NULL, CZ_EVALIDATION,
          "ENV: \"\" from environment is none of development, test, staging, production" },
        { NULL, NULL, "settings/local.env", "ENV=x\033", CZ_EVALIDATION,
          "settings/local.env:1: a control character" },
        { NULL, NULL, "settings/local.env", "ENV=Production", CZ_EVALIDATION,
          "ENV: \"Production\" from file settings/local.env is none of development, test, staging, "
          "production" },
        { "WORKERS", "many", NULL, NULL, CZ_EVALIDATION,
          "WORKERS: \"many\" from environment is not an int (digits, with \"-\" before them when "
          "negative)" },
        { "WORKERS", "0", NULL, NULL, CZ_EVALIDATION,
          "WORKERS: 0 from environment is not between 1 and 64" },
        { NULL, NULL, ".env", "TIMEOUT=2m", CZ_EVALIDATION,
          "TIMEOUT: 120000 ms from file .env is not between 1 and 60000 ms" },
        { NULL, NULL, ".env", "\nDEBUG", CZ_EVALIDATION, ".env:2: expected NAME=VALUE" },
        { NULL, NULL, ".env", "A=1\nA=2", CZ_EVALIDATION, ".env:2: A is set a second time" },
        { "DATABASE_URL", "postgresql://u:hunter2@h:x/db", NULL, NULL, CZ_EVALIDATION,
          "DATABASE_URL: the value from environment is not a URL "
          "(scheme://user:password@host:port/path, special characters escaped as %40)" },
        { "DEBUG", "", NULL, NULL, CZ_EVALIDATION,
          "DEBUG: \"\" from environment is not a bool (true or false, yes or no, on or off, 1 or "
          "0)" },
        { "NAME_FILE", "/nonexistent/x", NULL, NULL, CZ_EIO,
          "NAME: the file that NAME_FILE names, /nonexistent/x, cannot be read: No such file or "
          "directory" },
        { "NAME_FILE", "/", NULL, NULL, CZ_EIO,
          "NAME: the file that NAME_FILE names, /, cannot be read: Is a directory" },
        { "NAME_FILE", "/dev/zero", NULL, NULL, CZ_EVALIDATION,
          "NAME: the file that NAME_FILE names, /dev/zero,: too large" },
        { "DEBUG", "a\nb\x1b[31m", NULL, NULL, CZ_EVALIDATION,
          "DEBUG: \"a\\nb\\u001b[31m\" from environment is not a bool (true or false, yes or no, "
          "on "
          "or off, 1 or 0)" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        if (cases[i].name)
            setenv(cases[i].name, cases[i].value, 1);
        if (cases[i].file)
            write_file(cases[i].file, cases[i].text);
        cz_settings *settings = NULL;
        cz_error err = { 0 };
        CZ_EXPECT_EQ(cz_settings_load(directory, tables, 1, &settings, &err), cases[i].status);
        CZ_EXPECT_STR(cz_str_from(err.message), cases[i].message);
        CZ_EXPECT(settings == NULL);
        if (cases[i].name)
            unsetenv(cases[i].name);
        if (cases[i].file)
            write_file(cases[i].file, "");
    }
    setenv("ENV", "production", 1);
    setenv("SECRET_KEY", "", 1);
    cz_settings *settings;
    cz_error err;
    CZ_EXPECT_EQ(cz_settings_load(directory, tables, 1, &settings, &err), CZ_EVALIDATION);
    CZ_EXPECT_STR(cz_str_from(err.message),
                  "SECRET_KEY: required string is empty, from environment");
    cz_setting_table twice[] = { tables[0], tables[0] };
    CZ_EXPECT_EQ(cz_settings_load(directory, twice, 2, &settings, &err), CZ_EINVAL);
    CZ_EXPECT_STR(cz_str_from(err.message), "NAME: declared twice");
}

CZ_TEST(listed_settings_show_their_origin_and_no_secret)
{
    begin();
    setenv("SECRET_KEY", "hunter2", 1);
    setenv("DATABASE_URL", "postgresql://u:hunter2@h/db?sslkey=hunter2", 1);
    write_file("settings/development.env", "WORKERS=7");
    cz_settings *settings = load();
    static const char *const expected[][3] = {
        { "ALLOWED_HOSTS", "", "default" },
        { "BODY_MAX", "2M", "default" },
        { "DATABASE_URL", "postgresql://u:***@h/db?sslkey=***", "environment" },
        { "DEBUG", "", "default" },
        { "ENV", "development", "default" },
        { "MEDIA", "", "default" },
        { "NAME", "shop", "default" },
        { "RATE", "0.5", "default" },
        { "SECRET_KEY", "***", "environment" },
        { "TIMEOUT", "30s", "default" },
        { "WORKERS", "7", "file settings/development.env" },
    };
    size_t cursor = 0, count = 0;
    cz_setting_value value;
    while (cz_settings_next(settings, &cursor, &value)) {
        CZ_REQUIRE(count < CZ_COUNT(expected));
        CZ_EXPECT_STR(cz_str_from(value.setting->name), expected[count][0]);
        CZ_EXPECT_STR(value.value, expected[count][1]);
        CZ_EXPECT_STR(value.origin, expected[count][2]);
        count++;
    }
    CZ_EXPECT_EQ(count, CZ_COUNT(expected));
    cz_settings_destroy(settings);
}

CZ_TEST(what_files_name_and_no_setting_has_is_found)
{
    begin();
    write_file("settings/local.env", "NAME=a\nNAEM=b\n");
    write_file("settings/development.env", "DATABSE_URL=sqlite:x\nMEDIA_FILE=secret\nENV_FILE=x\n");
    write_file("secret", "s");
    static const char *const expected[][2] = { { "NAEM", "settings/local.env" },
                                               { "DATABSE_URL", "settings/development.env" } };
    cz_settings *settings = load();
    size_t cursor = 0, count = 0;
    cz_str name;
    const char *file;
    while (cz_settings_next_unknown(settings, &cursor, &name, &file)) {
        CZ_REQUIRE(count < CZ_COUNT(expected));
        CZ_EXPECT_STR(name, expected[count][0]);
        CZ_EXPECT_STR(cz_str_from(file), expected[count][1]);
        count++;
    }
    CZ_EXPECT_EQ(count, CZ_COUNT(expected));
    cz_settings_destroy(settings);
}

#ifdef CZ_FAULTS
CZ_TEST(loading_settings_survives_any_failing_allocation)
{
    begin();
    write_file("settings/local.env", "NAME=\"a\\nb\"\nALLOWED_HOSTS=a,b\nMEDIA_FILE=secret\n");
    write_file("secret", "s");
    setenv("DATABASE_URL", "postgresql://u:p%40@h/db", 1);
    cz_settings *settings;
    cz__alloc_fail_at(0, false);
    settings = load();
    cz_settings_destroy(settings);
    uint64_t count = cz__alloc_fail_at(0, false);
    CZ_EXPECT(count > 0);
    for (int sticky = 0; sticky < 2; sticky++)
        for (uint64_t n = 1; n <= count; n++) {
            settings = NULL;
            cz_error err = { 0 };
            cz__alloc_fail_at(n, sticky);
            cz_status status = cz_settings_load(directory, tables, 1, &settings, &err);
            cz__alloc_fail_at(0, false);
            CZ_EXPECT_MSG(status == CZ_ENOMEM && !settings && err.message[0], "allocation %llu: %s",
                          (unsigned long long)n, cz_status_name(status));
            if (settings)
                cz_settings_destroy(settings);
        }
}
#endif
