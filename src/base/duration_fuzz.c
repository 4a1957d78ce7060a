/* Durations and times of day as text. Oracle: what is read is written so that it reads as the same. */
#include <calzone/time.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size ? size : 1); /* exactly as long, so a byte read past it is seen */
    expect(text != NULL);
    if (size)
        memcpy(text, data, size);
    char out[CZ_DURATION_TEXT];
    cz_duration duration, again;
    if (cz_duration_parse(cz_str_of(text, size), &duration) == CZ_OK) {
        size_t len = cz_duration_write(out, duration);
        expect(len <= sizeof out && cz_duration_parse(cz_str_of(out, len), &again) == CZ_OK);
        expect(again.us == duration.us);
    }
    cz_time time, same;
    if (cz_time_parse(cz_str_of(text, size), &time) == CZ_OK) {
        size_t len = cz_time_write(out, time);
        expect(len <= CZ_TIME_TEXT && cz_time_parse(cz_str_of(out, len), &same) == CZ_OK);
        expect(same.us == time.us && time.us >= 0 && time.us < INT64_C(86400000000));
    }
    free(text);
    return 0;
}
