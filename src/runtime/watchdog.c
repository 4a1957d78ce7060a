#include "runtime/runtime_internal.h"
#include <unistd.h>
void cz__pulse_wake_watchdog(void) {}
