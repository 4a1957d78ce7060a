/* `calzone new`: a project from the files compiled in. */
#include "management/main/command.h"
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_CHARS_MAX = 40, DIRECTORIES_OPEN_MAX = 16 };

/* C's keywords, and the names CMake and the library keep for targets of their own; blanks around each. */
static const char taken_names[] =
    " asm auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "typeof union unsigned void volatile while "
    "all calzone clean edit_cache help install list_install_components package rebuild_cache test ";

static bool is_name_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') ||
           (!first && ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'));
}

/* Whether a project can have this name; says why not. */
static bool name_is_good(const char *name)
{
    size_t len = strlen(name);
    bool good = len > 0;
    for (size_t i = 0; i < len && good; i++)
        good = is_name_char(name[i], i == 0);
    if (!good) {
        say(0,
            "\"%s\" is no name for a project: a lower-case letter, then letters, digits and "
            "underscores",
            name);
        return false;
    }
    if (len > NAME_CHARS_MAX) {
        say(0, "the name has %zu characters; a project's has at most %d", len, NAME_CHARS_MAX);
        return false;
    }
    char word[NAME_CHARS_MAX + 3];
    snprintf(word, sizeof word, " %s ", name);
    if (strstr(taken_names, word)) {
        say(0, "\"%s\" is taken: a keyword of C, or a name the build uses", name);
        return false;
    }
    return true;
}

/* ---- writing ---- */

/* Write `file` with the placeholders replaced. */
static bool write_expanded(FILE *out, const struct scaffold_file *file, const char *name)
{
    static const char placeholder[] = "{{name}}";
    const size_t skip = sizeof placeholder - 1;
    const char *at = file->bytes, *end = file->bytes + file->len;
    while (at < end) {
        const char *found = memmem(at, (size_t)(end - at), placeholder, skip);
        size_t plain = (size_t)((found ? found : end) - at);
        if (fwrite(at, 1, plain, out) != plain)
            return false;
        if (found && fputs(name, out) < 0)
            return false;
        at = found ? found + skip : end;
    }
    return true;
}

/* Make the directories a path goes through. */
static bool make_parents(char *path)
{
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made)
            return false;
    }
    return true;
}

static bool write_file(const struct scaffold_file *file, const char *name,
                       char path[static PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", name, file->path);
    if (!make_parents(path))
        return false;
    FILE *out = fopen(path, "wxe");
    if (!out)
        return false;
    bool written = write_expanded(out, file, name);
    int reason = errno;
    if (fclose(out) != 0) /* a full disk may show only here */
        return false;
    errno = reason;
    return written;
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
    (void)stat;
    (void)kind;
    (void)at;
    (void)remove(path); /* what cannot be removed stays: the failure is already being reported */
    return 0;
}

int command_new(int argc, char **argv)
{
    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        puts("usage: calzone new NAME\n\nMake a project in the new directory NAME.");
        return EXIT_DONE;
    }
    if (argc != 2)
        return say(EXIT_MISUSED, "new takes one name: calzone new NAME");
    const char *name = argv[1];
    if (!name_is_good(name))
        return EXIT_MISUSED;
    if (mkdir(name, 0777)) {
        if (errno == EEXIST)
            return say(EXIT_MISUSED, "%s already exists here", name);
        return say(EXIT_FAILED, "%s: %s", name, strerror(errno));
    }
    char path[PATH_MAX];
    for (size_t i = 0; i < scaffold_file_count; i++)
        if (!write_file(&scaffold_files[i], name, path)) {
            say(0, "%s: %s; nothing was made", path, strerror(errno));
            nftw(name, remove_entry, DIRECTORIES_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
            return EXIT_FAILED;
        }
    printf("Made %s. Next: cd %s && calzone run\n", name, name);
    return EXIT_DONE;
}
