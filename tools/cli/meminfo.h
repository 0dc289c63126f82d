/* What a Linux guest says of its memory: the texts of two files of its /proc. */
#ifndef CLI_MEMINFO_H
#define CLI_MEMINFO_H

#include "../../numa/balloon_policy.h"

/* /proc/meminfo; false: that is not what it is. Leaves the pressure alone. */
bool meminfo_parse(const char *text, struct balloon_report *r);
/* /proc/pressure/memory to thousandths of time; 0 if it is none. */
unsigned pressure_parse(const char *text);

#endif
