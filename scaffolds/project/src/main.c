#include "project.h"

int main(int argc, char **argv)
{
    return cz_project_main(&project, argc, argv);
}
