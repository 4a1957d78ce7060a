/* migrations/writer.h: migrations as C files; all of it raises. */
#ifndef CZ_MIGRATIONS_WRITER_H
#define CZ_MIGRATIONS_WRITER_H

#include "migrations/migrations.h"

/* The file's text. Its functions, if any, are the reader's to write. */
cz_str cz__migration_text(cz_ctx *ctx, const cz_migration *migration);

/* Write FOLDER/migrations/NAME.c and add its line to FOLDER/migrations/list.h, which is made when it is
 * missing. Returns the file's path; `*out_new_list` tells that list.h was made. Raises: CZ_EEXISTS: there is
 * such a file; CZ_EIO. Nothing is left behind then. */
const char *cz__migration_write(cz_ctx *ctx, const char *folder, const cz_migration *migration,
                                bool *out_new_list);

#endif
