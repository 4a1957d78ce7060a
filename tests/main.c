#include <calzone/testing.h>

int main(int argc, char **argv)
{
    return cz_test_main(argc, argv);
}
