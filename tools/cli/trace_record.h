/* Recording: from the hypervisor's rings to a file that trace_file.h reads. */
#ifndef CLI_TRACE_RECORD_H
#define CLI_TRACE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

struct record_options {
    const char *file;
    int64_t duration; /* ns, 0: until a signal */
    unsigned pages;   /* of each ring, if there are none yet */
};

/* False after a complaint. */
bool trace_record(const struct record_options *o);

#endif
