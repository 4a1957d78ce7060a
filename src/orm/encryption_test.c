#include "orm/encryption.h"
#include "orm/orm_testing.h"
#include <calzone/bulk.h>
#include <calzone/relations.h>

#define KEY_A "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=" /* 32 times "a" */
#define KEY_B "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="

CZ_TEST(keys_of_a_setting_are_read_or_refused_without_being_repeated)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "", NULL },
        { " ", NULL },
        { "a:" KEY_A, NULL },
        { " b : " KEY_B " , a-_9:" KEY_A, NULL },
        { KEY_A, "key 1 has no name" },
        { ":" KEY_A, "key 1 has no name" },
        { "hunter2", "key 1 has no name" },
        { "a:" KEY_A "," KEY_B, "key 2 has no name" },
        { "a b:" KEY_A, "key 1 has no name" },
        { "a12345678901234567890:" KEY_A, "key 1 has no name" },
        { "a:", "\"a\" is not 32 bytes" },
        { "a:YWFh", "\"a\" is not 32 bytes" },
        { "a:" KEY_A "YWFh", "\"a\" is not 32 bytes" },
        { "a:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE", "\"a\" is not 32 bytes" },
        { "a:" KEY_A ",a:" KEY_B, "two keys are called \"a\"" },
        { "a:" KEY_A ",", NULL },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        cz_status status = cz__field_keys_set(cz_str_from(cases[i].text), &err);
        if (!cases[i].message) {
            CZ_EXPECT_MSG(!status, "%zu: %s", i, cz_error_message(&err));
            continue;
        }
        cz_str message = cz_str_from(cz_error_message(&err));
        CZ_EXPECT_EQ(status, CZ_EVALIDATION);
        CZ_EXPECT_MSG(cz_str_find(message, cz_str_from(cases[i].message)) != SIZE_MAX, "%zu: %.*s",
                      i, CZ_STR_ARG(message));
        CZ_EXPECT(cz_str_find(message, CZ_STR("YWFhYWFhYWFh")) == SIZE_MAX);
        CZ_EXPECT_EQ(cz__field_keys_count(), 0);
    }
}

static cz_status open_stored(const char *stored, cz_str *out)
{
    cz_error err;
    return cz__field_decrypt(cz_test_arena(), cz_str_from(stored), out, &err);
}

CZ_TEST(a_value_opens_with_the_key_it_names)
{
    cz_arena *arena = cz_test_arena();
    cz_str stored, plain;
    cz_error err;
    CZ_EXPECT_EQ(cz__field_encrypt(arena, CZ_STR("x"), &stored, &err), CZ_EINVAL);
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("a:" KEY_A), &err));
    CZ_REQUIRE_OK(cz__field_encrypt(arena, CZ_STR("a secret"), &stored, &err));
    CZ_EXPECT(cz_str_starts_with(stored, CZ_STR("v1:a:")));
    CZ_REQUIRE_OK(cz__field_decrypt(arena, stored, &plain, &err));
    CZ_EXPECT_STR(plain, "a secret");
    /* another key comes first: the old one still opens */
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("b:" KEY_B ",a:" KEY_A), &err));
    CZ_REQUIRE_OK(cz__field_decrypt(arena, stored, &plain, &err));
    CZ_EXPECT_STR(plain, "a secret");
    /* and is gone, or has become another */
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("b:" KEY_B), &err));
    CZ_EXPECT_EQ(cz__field_decrypt(arena, stored, &plain, &err), CZ_EDATABASE);
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("a:" KEY_B), &err));
    CZ_EXPECT_EQ(cz__field_decrypt(arena, stored, &plain, &err), CZ_EDATABASE);
    static const char *const bad[] = { "",      "a secret", "v1",        "v1:",       "v1:a",
                                       "v1:a:", "v1:a:!",   "v1:a:YWFh", "v2:a:YWFh", "v1::YWFh" };
    for (size_t i = 0; i < CZ_COUNT(bad); i++)
        CZ_EXPECT_EQ(open_stored(bad[i], &plain), CZ_EDATABASE);
}

/* ---- rows ---- */

CZ_MODEL_FORWARD(Visitation)
#define PATIENT(F)                                                                                 \
    F(char_field, name)                                                                            \
    F(encrypted_field, diagnosis, .max_length = 20)                                                \
    F(encrypted_field, phone, .null = true)                                                        \
    F(reverse, visits, Visitation, patient)
CZ_MODEL(Patient, PATIENT);
#define VISITATION(F) F(foreign_key, patient, Patient, .on_delete = CZ_CASCADE)
CZ_MODEL(Visitation, VISITATION);
static const struct cz__orm_test clinic = { "clinic", CZ_MODELS(Patient, Visitation) };

static void by_text(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_count(c, Patient,
             .where = cz_cond_text(c, &Patient__model, CZ_STR("diagnosis"), CZ_LOOKUP_EXACT,
                                   CZ_STR("x")));
}
static void in_order(cz_ctx *c, void *arg)
{
    (void)arg;
    const cz_order by = { .path = CZ_STR("diagnosis") }; /* CZ_ASC() does not compile */
    cz_select(c, Patient, .order_by = { &by, 1 });
}
static void read_all(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_select(c, Patient);
}

/* A column as it is stored. */
static cz_str stored_text(cz_ctx *c, const char *sql)
{
    cz__db_session *session;
    cz__db_statement statement = { .sql = cz_str_from(sql), .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    cz_error err;
    bool row;
    cz_str text;
    CZ_REQUIRE_OK(cz__db_session_of(c, &session, &err));
    const cz__db_driver *driver = session->db->driver;
    CZ_REQUIRE_OK(driver->select(c, session, &statement, NULL, 0, &cursor, &err));
    CZ_REQUIRE_OK(driver->step(&cursor, &row, &err));
    CZ_REQUIRE(row && driver->read(&cursor, 0, CZ__DB_TEXT, &text));
    text = cz_copy(c, text);
    driver->finish(&cursor);
    return text;
}

static void sealed_rows(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_error err;
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("a:" KEY_A), &err));
    cz__tables_create(c);
    Patient *ann = cz_create(c, Patient, (name, "Ann"), (diagnosis, "healthy"), (phone, "1"));
    CZ_EXPECT_STR(ann->diagnosis, "healthy");
    cz_create(c, Visitation, (patient_id, ann->id));
    static const char sql[] = "SELECT diagnosis FROM clinic_patient WHERE id = 1";
    cz_str before = stored_text(c, sql);
    CZ_EXPECT(cz_str_starts_with(before, CZ_STR("v1:a:")));
    CZ_EXPECT(cz_str_find(before, CZ_STR("healthy")) == SIZE_MAX);
    Patient *read = cz_get(c, Patient, .where = CZ_Q(Patient, name, EXACT, "Ann"));
    CZ_EXPECT_STR(read->diagnosis, "healthy");
    CZ_EXPECT_STR(read->phone, "1");
    /* changed by a row, by a query, in bulk, by COPY; read along, later and as JSON */
    cz_set(c, read, phone, NULL);
    cz_save(c, read);
    CZ_EXPECT_EQ(cz_count(c, Patient, .where = CZ_Q(Patient, phone, ISNULL, true)), 1);
    CZ_EXPECT_EQ(cz_update(c, Patient, CZ_EVERY_ROW, (diagnosis, "ill")), 1);
    Visitation *visit = cz_first(c, Visitation, .related = CZ_RELATED(Visitation, patient));
    CZ_EXPECT_STR(CZ_REL(c, visit, patient)->diagnosis, "ill");
    CZ_EXPECT_STR(CZ_REL(c, cz_first(c, Visitation), patient)->diagnosis, "ill");
    Patient *part = cz_first(c, Patient, .only = CZ_FIELDS(Patient, name));
    cz_load(c, part, diagnosis);
    CZ_EXPECT_STR(part->diagnosis, "ill");
    enum { MANY = 600 };
    cz_row *rows[MANY];
    for (size_t i = 0; i < MANY; i++) {
        Patient *one = cz_row_new(c, Patient);
        cz_set(c, one, name, "many");
        cz_set(c, one, diagnosis, "bulk");
        rows[i] = &one->row_;
    }
    cz__bulk_create(c, &Patient__model, rows, MANY, &(cz_bulk_options){ 0 });
    cz_rows(Patient) all = cz_select(c, Patient, .where = CZ_Q(Patient, name, EXACT, "many"));
    CZ_REQUIRE(all.count == MANY);
    CZ_EXPECT_STR(all.items[MANY - 1].diagnosis, "bulk");
    CZ_EXPECT(cz_str_starts_with(
        stored_text(c, "SELECT diagnosis FROM clinic_patient WHERE id = 300"), CZ_STR("v1:a:")));
    /* another key; the first is still there, and then it is not */
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("b:" KEY_B ",a:" KEY_A), &err));
    CZ_EXPECT_STR(cz_get(c, Patient, .where = CZ_Q(Patient, name, EXACT, "Ann"))->diagnosis, "ill");
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("b:" KEY_B), &err));
    static const struct cz__orm_test_refusal cases[] = {
        { by_text, CZ_EVALIDATION, "\"diagnosis\" cannot be compared in this way." },
        { in_order, CZ_EINVAL, "\"diagnosis\" is encrypted: it has no order" },
        { read_all, CZ_EDATABASE,
          "Patient.diagnosis: a value is encrypted with the key \"a\", which "
          "FIELD_ENCRYPTION_KEYS does not name" },
    };
    cz__orm_test_refused(c, NULL, cases, CZ_COUNT(cases));
}
CZ_DATABASE_TEST(encrypted_fields_are_so_in_the_table_alone)
{
    cz__orm_test_run(&clinic, sealed_rows);
}

/* ---- a key that is lost ---- */

static int told, told_whole;

static void note_patient(cz_ctx *c, const cz_event *event)
{
    const Patient *patient = CZ_EVENT_ROW(c, event, Patient);
    told++;
    told_whole += cz_is_loaded(patient, diagnosis);
    CZ_EXPECT(patient->name.len > 0);
}

static const cz_receiver on_patients[] = { CZ_RECEIVER(CZ_PRE_DELETE, Patient, note_patient) };
static const struct cz__orm_test watched_clinic = {
    "clinic", CZ_MODELS(Patient, Visitation), .receivers = { on_patients, CZ_COUNT(on_patients) }
};

static void key_lost(cz_ctx *c, void *arg)
{
    (void)arg;
    cz_error err;
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("a:" KEY_A), &err));
    cz__tables_create(c);
    for (int i = 0; i < 3; i++) {
        const Patient *patient = cz_create(c, Patient, (name, "Ann"), (diagnosis, "healthy"));
        cz_create(c, Visitation, (patient_id, patient->id));
    }
    Patient *first = cz_first(c, Patient);
    cz_remove(c, first);
    CZ_EXPECT_EQ(told, 1);
    CZ_EXPECT_EQ(told_whole, 1);
    CZ_REQUIRE_OK(cz__field_keys_set(CZ_STR("b:" KEY_B), &err));
    CZ_EXPECT_EQ(cz_delete(c, Patient, CZ_EVERY_ROW), 4);
    CZ_EXPECT_EQ(told, 3);
    CZ_EXPECT_EQ(told_whole, 1);
}

CZ_DATABASE_TEST(a_row_goes_whose_key_is_lost_and_its_receivers_are_told)
{
    cz__orm_test_run(&watched_clinic, key_lost);
}
