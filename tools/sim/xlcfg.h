/*
 * Domain configs of xl, read by xl's own parser (libxlutil).
 */
#ifndef SIM_XLCFG_H
#define SIM_XLCFG_H

#include "arena.h"
#include "message.h"

/* key = "text", or key = ["item", ...] (text NULL). */
struct key_value {
    const char *key;
    const char *text;
    unsigned nr_items;
    const char **items;
    struct place where;
};

/* Appends all that `file` assigns to (*list)[*nr], each key once with the value that counts.
 * An error is reported, at `where` if the file can not be opened. */
bool xlcfg_read(struct arena *a, const char *file, struct place where, struct key_value **list,
                unsigned *nr);

/* Does xl.cfg(5) have it? Such a key may stand in a config even if it means nothing to us. */
bool xlcfg_known(const char *key);

#endif
