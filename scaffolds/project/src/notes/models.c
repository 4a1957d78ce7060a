#include "models.h"

const char *validate_title(cz_str text, double number)
{
    (void)number;
    return cz_str_count(text, '\n') ? "A title is one line." : NULL;
}
