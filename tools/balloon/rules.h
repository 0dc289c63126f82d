/*
 * What an operator says of domains' memory, for `moirai balloond` and for its simulation:
 *
 *   reserve 64M                          free memory that is never promised to anybody
 *   tax 95%                              on idle memory
 *   calm 30s                             how slowly a domain's want fades
 *   quiet 3%                             smaller changes of a target are not made
 *   patience 10s                         then one that does not follow its target is stuck
 *   stale 30s                            then one that does not report is left alone
 *   domain web* min=96M max=256M weight=512
 *
 * Of a domain the first line counts that its name matches (as the shell matches file names).
 * Without one: min a quarter of max, max as in its config, weight 256.
 */
#ifndef BALLOON_RULES_H
#define BALLOON_RULES_H

#include "../../numa/balloon_policy.h"
#include "../sim/arena.h"
#include "../sim/message.h"

struct rule {
    const char *name;
    int64_t min, max; /* KiB, 0: not said */
    uint32_t weight;
};

struct rules {
    struct balloon_params params;
    unsigned nr;
    struct rule *list;
};

enum rules_word { RULES_TAKEN, RULES_WRONG, RULES_UNKNOWN };

void rules_init(struct rules *r);
/* A line "key value": a parameter of the policy. *p says why it is wrong, or what there is. */
enum rules_word rules_param(struct balloon_params *params, const char *key, const char *value,
                            struct problem *p);
/* "key=value" of a domain. */
enum rules_word rule_key(struct rule *rule, const char *key, const char *value, struct problem *p);
/* False after a complaint. */
bool rule_check(const struct rule *rule, struct place where);
bool rules_load(struct arena *a, struct rules *r, const char *file);
/* NULL: none. */
const struct rule *rules_find(const struct rules *r, const char *name);
/* Sets a domain's guarantee, ceiling and weight; `most` is its ceiling by its config. */
void rule_apply(const struct rule *rule, int64_t most, struct balloon_domain *d);

/* ---- words --------------------------------------------------------------------------------- */

/* Parts a line into words, in place; a # begins a comment. Returns how many, at most `most`. */
unsigned line_words(char *line, char **words, unsigned most);
/* Parts "key=value" in place; NULL: it is none. */
char *word_value(char *word);
/* "64M", "1.5G", "512K", to KiB. */
bool memory_parse(const char *text, int64_t *kib, struct problem *p);
/* "96M", "1.5M", "12.0G"; returns buffer->text. */
struct memory_text {
    char text[24];
};
const char *memory_show(int64_t kib, struct memory_text *buffer);

#endif
