/* What a test that crashed is told with. */
#include "runtime/last_words.h"
#include <calzone/testing.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif

/* A trap of its own code: the C library's abort() keeps no frame pointers. */
__attribute__((noinline)) static void fall(void)
{
    __builtin_trap();
}

/* What is told of a child that ends so; `installs`: it says something itself. */
static const char *told_of(bool installs, bool falls)
{
    int words[2], status;
    char *text = cz_arena_alloc(cz_test_arena(), 8192);
    CZ_REQUIRE(text && pipe2(words, O_CLOEXEC | O_NONBLOCK) == 0);
    fflush(NULL);
    pid_t child = fork();
    CZ_REQUIRE(child >= 0);
    if (child == 0) {
        signal(SIGILL, SIG_DFL); /* the runner's own */
        if (installs)
            cz__last_words_install(words[1]);
        if (falls)
            fall();
        raise(SIGKILL);
    }
    close(words[1]);
    CZ_REQUIRE(waitpid(child, &status, 0) == child);
    cz__last_words_write(words[0], status, text, 8192);
    close(words[0]);
    return text;
}

CZ_TEST(a_crash_is_told_with_the_functions_it_was_in)
{
    const char *told = told_of(true, true);
    CZ_EXPECT_MSG(strncmp(told, "  ended by SIGILL\n", 18) == 0, "%s", told);
#ifndef ASAN /* which has the signals to itself */
    CZ_EXPECT_MSG(strstr(told, "\n    in fall"), "%s", told);
    CZ_EXPECT_MSG(strstr(told, "\n    in a_crash_is_told"), "%s", told);
#endif
}

CZ_TEST(an_end_without_words_is_told_by_its_signal)
{
    CZ_EXPECT_STR(cz_str_from(told_of(false, true)), "  ended by SIGILL\n");
    CZ_EXPECT_STR(cz_str_from(told_of(true, false)), "  ended by SIGKILL\n");
}
