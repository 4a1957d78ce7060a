#include "project.h"
#include <calzone/testing.h>

CZ_TEST(a_note_that_was_posted_can_be_read)
{
    cz_client *client = cz_client_create(&project);
    const cz_answer *created = cz_client_post(client, "/notes", "{\"title\": \"Buy basil\"}");
    CZ_EXPECT_STATUS(created, 201);
    CZ_EXPECT_JSON_TEXT(created, "pinned", "false");
    CZ_EXPECT_JSON(cz_client_get(client, "/notes/1"), "title", "Buy basil");
    CZ_EXPECT_JSON(cz_client_get(client, "/notes"), "results[0].id", 1);
}

CZ_TEST(a_title_of_two_lines_is_refused)
{
    const cz_answer *answer =
        cz_client_post(cz_client_create(&project), "/notes", "{\"title\": \"Buy\\nbasil\"}");
    CZ_EXPECT_STATUS(answer, 400);
    CZ_EXPECT_JSON(answer, "title[0]", "A title is one line.");
}

CZ_TEST(a_note_that_was_deleted_is_gone)
{
    cz_client *client = cz_client_create(&project);
    cz_client_post(client, "/notes", "{\"title\": \"Buy basil\"}");
    CZ_EXPECT_STATUS(cz_client_delete(client, "/notes/1"), 204);
    CZ_EXPECT_STATUS(cz_client_get(client, "/notes/1"), 404);
}
