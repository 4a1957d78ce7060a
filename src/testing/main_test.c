#include <calzone/testing.h>
#include "orm/raw.h"

int main(int argc, char **argv)
{
    cz__raw_mixed = true;
    return cz_test_main(argc, argv);
}
