/* xl's commands for caches and bandwidth in a scenario: what psr/ refuses is refused here. */
#include "cache.h"

#include <inttypes.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../psr/rules.h"

struct command {
    struct place where;
    bool mba;
    const char *domain, *value;
};

/* ---- words --------------------------------------------------------------------------------- */

static bool usage(const struct command *c)
{
    return complain(c->where, "that is not what xl takes; use %s",
                    c->mba ? "psr-mba-set [-s0] DOMAIN VALUE"
                           : "psr-cat-set [-l3] [-s0] DOMAIN CBM");
}

/* "-l3" or "-l 3", whose value is the only one there is here. */
static bool take_option(const struct command *c, char **word, unsigned nr, unsigned *used)
{
    char option = word[0][1], right = option == 'l' ? '3' : '0';
    const char *value = word[0][2] ? word[0] + 2 : nr > 1 ? word[1] : "";

    *used = word[0][2] ? 1 : 2;
    if (option == 'c' || option == 'd')
        return complain(c->where, "the model knows no code and data masks; leave out %s", word[0]);
    if (option != 's' && (option != 'l' || c->mba))
        return usage(c);
    return (value[0] == right && !value[1]) ||
           complain(c->where, "the model has one socket, and there an L3 cache; use -%c%c", option,
                    right);
}

static bool read_command(struct command *c, unsigned nr, char **word)
{
    unsigned i = 1, used;

    if (!nr)
        return complain(c->where, "xl does nothing alone; use xl psr-cat-set or xl psr-mba-set");
    c->mba = !strcmp(word[0], "psr-mba-set");
    if (!c->mba && strcmp(word[0], "psr-cat-set"))
        return complain(c->where, "xl %s means nothing here; use psr-cat-set or psr-mba-set",
                        word[0]);
    for (; i < nr && word[i][0] == '-'; i += used)
        if (!take_option(c, &word[i], nr - i, &used))
            return false;
    if (i + 2 != nr)
        return usage(c);
    c->domain = word[i];
    c->value = word[i + 1];
    return true;
}

static struct cache_domain *find(struct cache_scenario *s, const struct command *c)
{
    struct names names = {0};
    struct hint hint;

    for (unsigned d = 0; d < s->nr; d++) {
        if (!strcmp(s->domains[d].name, c->domain))
            return &s->domains[d];
        names_add(&names, s->domains[d].name);
    }
    complain(c->where, "no domain '%s'; %s", c->domain, names_hint(&names, c->domain, &hint));
    return NULL;
}

/* Decimal, 0x or 0, as xl. */
static bool read_value(const struct command *c, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoull(c->value, &end, 0);
    return (end != c->value && !*end && !errno && c->value[0] != '-') ||
           complain(c->where, "'%s' is no number; use %s", c->value, c->mba ? "50" : "0xf");
}

/* ---- psr/'s rules -------------------------------------------------------------------------- */

static bool bad_mask(const struct cache_scenario *s, const struct command *c)
{
    const struct psr_cache *l3 = &s->host.caps.l3;

    return complain(c->where, "%s is no mask for this cache; use %u or more%s bits of 0x%" PRIx32,
                    c->value, l3->min_bits, l3->sparse ? "" : " neighbouring", psr_mask_full(l3));
}

static bool bad_bandwidth(const struct cache_scenario *s, const struct command *c)
{
    const struct psr_bandwidth *b = &s->host.caps.bandwidth;

    if (!b->max)
        return complain(c->where, "the host can not throttle; add throttle linear link=15GB/s");
    return complain(c->where, "%s is beyond what it can be throttled to; use 0 to %u", c->value,
                    b->max);
}

static bool change(struct cache_scenario *s, struct cache_domain *d, const struct command *c,
                   enum psr_slot slot, uint32_t value)
{
    uint32_t wanted[PSR_NR_SLOTS];
    int id;

    memcpy(wanted, s->classes.class[d->class].value, sizeof wanted);
    wanted[slot] = value;
    id = psr_classes_choose(&s->classes, d->class, wanted);
    if (id < 0)
        return complain(c->where, "all %u classes are in use; give some domains the same values",
                        s->classes.nr);
    memcpy(s->classes.class[id].value, wanted, sizeof wanted);
    psr_classes_move(&s->classes, d->class, (unsigned)id);
    d->class = (unsigned)id;
    return true;
}

bool cache_psr_set(struct cache_scenario *s, struct place where, unsigned nr, char **word)
{
    struct command c = {.where = where};
    struct cache_domain *d;
    uint64_t value;

    if (!read_command(&c, nr, word) || !(d = find(s, &c)) || !read_value(&c, &value))
        return false;
    if (!c.mba && psr_mask_check(&s->host.caps.l3, value))
        return bad_mask(s, &c);
    if (c.mba &&
        (!s->host.caps.bandwidth.max || psr_bandwidth_check(&s->host.caps.bandwidth, &value)))
        return bad_bandwidth(s, &c);
    return change(s, d, &c, c.mba ? PSR_SLOT_BANDWIDTH : PSR_SLOT_L3, (uint32_t)value);
}
