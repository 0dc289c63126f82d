#define _GNU_SOURCE
#include "perf_events.h"

#include <fnmatch.h>
#include <perfmon/pfmlib.h>
#include <stdlib.h>
#include <string.h>

#include "../sim/message.h"

#define ARCHITECTURAL "ix86arch"

static const struct place here = {"moirai perf", 0};
static pfm_pmu_info_t parts[2]; /* the processor's own names, then Intel's architectural ones */
static unsigned nr_parts;

/* ---- which PMU ----------------------------------------------------------------------------- */

static bool find_pmu(bool (*is_it)(const pfm_pmu_info_t *p, const char *name), const char *name)
{
    for (int i = 0; i < PFM_PMU_MAX && nr_parts < 2; i++) {
        pfm_pmu_info_t *p = &parts[nr_parts];

        *p = (pfm_pmu_info_t){.size = sizeof *p};
        if (pfm_get_pmu_info((pfm_pmu_t)i, p) == PFM_SUCCESS && is_it(p, name)) {
            nr_parts++;
            return true;
        }
    }
    return false;
}

static bool is_named(const pfm_pmu_info_t *p, const char *name)
{
    return !strcmp(p->name, name);
}

/* The machine's, by its CPUID. */
static bool is_ours(const pfm_pmu_info_t *p, const char *name)
{
    (void)name;
    return p->is_present && p->type == PFM_PMU_TYPE_CORE && strcmp(p->name, ARCHITECTURAL);
}

/* What is counted with may be another processor than this one. Then libpfm4 shall not look for this
 * one's, and encode for all that it knows; of these the architectural names alone have to be
 * forced.
 */
bool events_open(const char *pmu, bool intel)
{
    setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
    if (*pmu)
        setenv("LIBPFM_FORCE_PMU", ARCHITECTURAL, 1);
    int err = pfm_initialize();
    if (err != PFM_SUCCESS)
        return complain(here, "libpfm4 cannot be used: %s", pfm_strerror(err));
    if (!(*pmu ? find_pmu(is_named, pmu) : find_pmu(is_ours, NULL)))
        return complain(here, "libpfm4 has no names for this processor's events%s%s",
                        *pmu ? ", " : "", pmu);
    if (*pmu && intel)
        find_pmu(is_named, ARCHITECTURAL);
    return true;
}

const char *events_pmu(void)
{
    return parts[0].name;
}

/* ---- what there is ------------------------------------------------------------------------- */

/* Calls f for each event of a PMU. */
static void each_event(const pfm_pmu_info_t *pmu, void (*f)(const pfm_event_info_t *, void *),
                       void *arg)
{
    for (int i = pmu->first_event; i >= 0; i = pfm_get_event_next(i)) {
        pfm_event_info_t e = {.size = sizeof e};

        if (pfm_get_event_info(i, PFM_OS_NONE, &e) == PFM_SUCCESS)
            f(&e, arg);
    }
}

/* The unit mask at or after *attr, which becomes its number. */
static bool next_umask(const pfm_event_info_t *e, int *attr, pfm_event_attr_info_t *a)
{
    for (; *attr < e->nattrs; ++*attr) {
        *a = (pfm_event_attr_info_t){.size = sizeof *a};
        if (pfm_get_event_attr_info(e->idx, *attr, PFM_OS_NONE, a) == PFM_SUCCESS &&
            a->type == PFM_ATTR_UMASK)
            return true;
    }
    return false;
}

struct list {
    FILE *out;
    const char *pmu;
    char pattern[EVENT_NAME];
    unsigned nr;
};

static void list_name(struct list *l, const char *event, const char *umask, const char *what)
{
    char name[EVENT_NAME];

    snprintf(name, sizeof name, "%s::%s%s%s", l->pmu, event, *umask ? ":" : "", umask);
    if (fnmatch(l->pattern, name, FNM_CASEFOLD))
        return;
    if (l->out)
        fprintf(l->out, "%-52s %s\n", name, what ? what : "");
    l->nr++;
}

static void list_event(const pfm_event_info_t *e, void *arg)
{
    pfm_event_attr_info_t a;
    int attr = 0;

    if (!next_umask(e, &attr, &a))
        list_name(arg, e->name, "", e->desc);
    for (; next_umask(e, &attr, &a); attr++)
        list_name(arg, e->name, a.name, a.desc);
}

unsigned events_list(FILE *out, const char *pattern)
{
    struct list l = {.out = out, .pattern = "*"};

    if (pattern)
        snprintf(l.pattern, sizeof l.pattern, strpbrk(pattern, "*?") ? "%s" : "*%s*", pattern);
    for (unsigned i = 0; i < nr_parts; i++) {
        l.pmu = parts[i].name;
        each_event(&parts[i], list_event, &l);
    }
    return l.nr;
}

/* ---- by name ------------------------------------------------------------------------------- */

static void take_name(const pfm_event_info_t *e, void *arg)
{
    names_add(arg, e->name);
}

/* NAME without what follows it. */
static const char *bare(const char *text, char *name)
{
    snprintf(name, EVENT_NAME, "%.*s", (int)strcspn(text, ":"), text);
    return name;
}

static bool no_event(const char *text)
{
    char name[EVENT_NAME];
    struct names names = {0};
    struct hint hint;

    for (unsigned i = 0; i < nr_parts; i++)
        each_event(&parts[i], take_name, &names);
    bare(text, name);
    if (names_nearest(&names, name))
        return complain(here, "%s has no event '%s'; %s", events_pmu(), name,
                        names_hint(&names, name, &hint));
    return complain(here, "%s has no event '%s'; 'moirai perf list' shows what it has",
                    events_pmu(), name);
}

struct umasks {
    const char *event;
    struct names names;
};

static void take_umasks(const pfm_event_info_t *e, void *arg)
{
    struct umasks *u = arg;
    pfm_event_attr_info_t a;

    if (!strcasecmp(e->name, u->event))
        for (int attr = 0; next_umask(e, &attr, &a); attr++)
            names_add(&u->names, a.name);
}

static bool no_umask(const char *text, int err)
{
    char name[EVENT_NAME];
    struct umasks u = {.event = bare(text, name)};
    struct hint hint;

    for (unsigned i = 0; i < nr_parts; i++)
        each_event(&parts[i], take_umasks, &u);
    const char *rest = text + strlen(name);
    if (!u.names.nr)
        return complain(here, "%s: %s; use u, k, e, i or c=N if the event has them", text,
                        pfm_strerror(err));
    return complain(here, "%s: %s (u, k, e, i and c=N go behind); %s", text, pfm_strerror(err),
                    names_hint(&u.names, *rest ? rest + 1 : "", &hint));
}

static int encode(const pfm_pmu_info_t *pmu, const char *name, struct perf_event *out, int *nr)
{
    char full[2 * EVENT_NAME];
    pfm_pmu_encode_arg_t arg = {.size = sizeof arg};

    snprintf(full, sizeof full, "%s::%s", pmu->name, name);
    int err = pfm_get_os_event_encoding(full, PFM_PLM0 | PFM_PLM3, PFM_OS_NONE, &arg);
    if (err == PFM_SUCCESS) {
        *nr = arg.count;
        out->select = arg.codes[0];
    }
    free(arg.codes);
    return err;
}

/* Past "PMU::", if it is one of ours. */
static const char *without_pmu(const char *text)
{
    const char *name = strstr(text, "::");

    if (!name)
        return text;
    for (unsigned i = 0; i < nr_parts; i++)
        if ((size_t)(name - text) == strlen(parts[i].name) &&
            !strncasecmp(text, parts[i].name, (size_t)(name - text)))
            return name + 2;
    complain(here, "'%s' is of another processor; this one is %s", text, events_pmu());
    return NULL;
}

bool events_find(const char *text, struct perf_event *out)
{
    const char *name = without_pmu(text);
    int err = PFM_ERR_NOTFOUND, nr = 0;

    if (!name)
        return false;
    if (strlen(text) >= EVENT_NAME)
        return complain(here, "'%.20s...' is too long for an event", text);
    for (unsigned i = 0; i < nr_parts && err == PFM_ERR_NOTFOUND; i++)
        err = encode(&parts[i], name, out, &nr);
    if (err == PFM_ERR_NOTFOUND)
        return no_event(name);
    if (err != PFM_SUCCESS)
        return no_umask(name, err);
    if (nr != 1)
        return complain(here,
                        "%s needs a second register, which domains do not have; count "
                        "another event",
                        text);
    snprintf(out->name, sizeof out->name, "%s", text);
    return true;
}
