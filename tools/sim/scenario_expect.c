/*
 * The scenario's own verdict:
 *
 *   expect METRIC [of] [WHOM] [=|<=|>=] VALUE [+- TOLERANCE] [from TIME to TIME]
 *
 * WHOM is a domain, a vCPU (web.1) or the host (also if left out).
 */
#include "scenario_parse.h"

#include <ctype.h>
#include <string.h>

#include "metric.h"

static bool find_metric(const char *name, struct place where, enum metric *out)
{
    struct names names = {0};
    struct hint hint;

    *out = metric_by_name(name);
    if (*out != METRIC_NR)
        return true;
    for (unsigned i = 0; i < METRIC_NR; i++)
        names_add(&names, metric_info[i].name);
    return complain(where, "unknown metric '%s'; %s", name, names_hint(&names, name, &hint));
}

/* ---- a cursor over the words --------------------------------------------- */

static const char *next(struct words *w)
{
    const char *word = w->nr ? w->word[0] : "";

    *w = words_rest(w, 1);
    return word;
}

static bool take(struct words *w, const char *word)
{
    if (!w->nr || strcmp(w->word[0], word))
        return false;
    next(w);
    return true;
}

/* ---- the parts ----------------------------------------------------------- */

static bool is_value(const char *word)
{
    return *word && (strchr("<>=+-", *word) || isdigit((unsigned char)*word));
}

static bool read_whom(struct loader *l, struct words *w, enum metric m, struct expectation *e)
{
    e->domain = e->vcpu = -1;
    take(w, "of");
    if (w->nr && !take(w, "host") &&
        (lookup_domain(l->s, w->word[0]) >= 0 || !is_value(w->word[0]))) {
        if (!find_whom(l, next(w), w->where, &e->domain, &e->vcpu))
            return false;
    }
    if (e->domain >= 0 && m >= METRIC_NR_DOMAIN)
        return complain(w->where, "%s is not measured for a domain; use it for the host",
                        metric_info[m].name);
    if (e->vcpu >= 0 && m >= METRIC_NR_VCPU)
        return complain(w->where, "%s is not measured for a vCPU; use it for the domain",
                        metric_info[m].name);
    return true;
}

static void read_relation(struct words *w, struct expectation *e)
{
    e->relation = EXPECT_EQ;
    if (take(w, "<="))
        e->relation = EXPECT_LE;
    else if (take(w, ">="))
        e->relation = EXPECT_GE;
    else if (!take(w, "="))
        take(w, "==");
}

static bool read_number(const char *text, enum metric m, struct place where, double *out)
{
    struct problem p;
    sched_time t = 0;
    bool ok;

    if (metric_info[m].unit == UNIT_PERCENT) {
        ok = unit_percent(text, out, &p);
    } else if (metric_info[m].unit == UNIT_NS) {
        ok = unit_time(text, &t, &p);
        *out = (double)t;
    } else {
        ok = unit_number(text, out, &p);
    }
    return ok || complain(where, "%s: %s", metric_info[m].name, p.text);
}

/* The operand of an operator that may be glued to it: "<=5", "+-1". NULL: no such operator. */
static const char *operand(struct words *w, const char *op)
{
    size_t n = strlen(op);

    if (!w->nr || strncmp(w->word[0], op, n))
        return NULL;
    return w->word[0][n] ? next(w) + n : (next(w), next(w));
}

static bool read_value(struct words *w, enum metric m, struct expectation *e)
{
    const char *glued, *tolerance;

    read_relation(w, e);
    if ((glued = operand(w, "<=")))
        e->relation = EXPECT_LE;
    else if ((glued = operand(w, ">=")))
        e->relation = EXPECT_GE;
    if (!glued && !w->nr)
        return complain(w->where,
                        "%s has no value to be held against; use <= VALUE or VALUE +- "
                        "TOLERANCE",
                        metric_info[m].name);
    if (!read_number(glued ? glued : next(w), m, w->where, &e->value))
        return false;
    tolerance = operand(w, "+-");
    if (!tolerance)
        tolerance = operand(w, "\u00b1");
    return !tolerance || read_number(tolerance, m, w->where, &e->tolerance);
}

static bool read_window(struct loader *l, struct words *w, enum metric m, struct expectation *e)
{
    struct problem p;
    struct time_text end;

    if (!take(w, "from"))
        return true;
    if (!metric_has_window(m))
        return complain(w->where, "%s is known for the whole run only; leave out from ... to",
                        metric_info[m].name);
    if (!unit_time(next(w), &e->from, &p))
        return complain(w->where, "from: %s", p.text);
    if (!take(w, "to"))
        return complain(w->where, "the window has no end; use from TIME to TIME");
    if (!unit_time(next(w), &e->to, &p))
        return complain(w->where, "to: %s", p.text);
    if (e->from >= e->to)
        return complain(w->where, "the window ends before it begins; use from EARLIER to LATER");
    return e->to <= l->s->duration || l->options->duration ||
           complain(w->where, "the window ends after the run; use at most %s",
                    unit_show_time(l->s->duration, &end));
}

bool parse_expectation(struct loader *l, struct statement *st)
{
    struct words w = words_from(st, 1);
    struct expectation e = {.place = st->where};
    enum metric m;

    if (!w.nr)
        return complain(st->where, "nothing is expected; use expect METRIC WHOM <= VALUE");
    e.metric = w.word[0];
    if (!find_metric(next(&w), st->where, &m) || !read_whom(l, &w, m, &e) ||
        !read_value(&w, m, &e) || !read_window(l, &w, m, &e))
        return false;
    if (w.nr)
        return complain(st->where,
                        "'%s' is not understood here; use +- TOLERANCE or from TIME "
                        "to TIME",
                        w.word[0]);
    if (e.to > l->s->duration) { /* the command line made the run shorter */
        warn(st->where, "the window ends after the run; ignored");
        return true;
    }
    *(struct expectation *)arena_push(l->memory, l->s->expectations, l->s->nr_expectations) = e;
    return true;
}
