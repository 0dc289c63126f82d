/*
 * Between the parts of the scenario parser; not for others.
 *
 * A scenario is read in passes, each of which needs the ones before: host and
 * run, pools, domains, changes in order of time, expectations.
 */
#ifndef SIM_SCENARIO_PARSE_H
#define SIM_SCENARIO_PARSE_H

#include "scenario.h"
#include "units.h"
#include "xlcfg.h"

/* One line: words as the user wrote them, quotes at the ends of a value removed. */
struct statement {
    struct place where;
    const char *rest; /* the line behind the first word, for free text */
    unsigned nr;
    char **word; /* word[0] is the verb */
};

/* False with *p set: an open quote or bracket. An empty line has nr == 0. */
bool statement_split(struct arena *a, const char *line, struct statement *out, struct problem *p);

/* All of a file; false after complaints. */
bool statements_read(struct arena *a, FILE *in, const char *file, struct statement **statements,
                     unsigned *nr);

/* Complains if one of those before it has the same verb; `all` are in one array with it. */
bool statement_once(const struct statement *all, const struct statement *st);

/* A part of a statement, behind what was understood already. */
struct words {
    struct place where;
    unsigned nr;
    char **word;
};
/* Words from `first` on; none if there are fewer. */
struct words words_from(const struct statement *st, unsigned first);
struct words words_rest(const struct words *w, unsigned first);

struct loader {
    struct scenario *s;
    struct arena *memory;
    const struct load_options *options;
    struct host host;
    bool overridden;      /* Pool-0 has another policy than the file says */
    struct names dropped; /* what has been warned of already */

    /* The state of affairs at the time of the change that is being read. */
    const struct sched_policy **policy_now; /* by pool */
    unsigned *pool_now;                     /* by domain */
    bool *present;                          /* by domain */
    bool *offline;                          /* by pCPU */
};

/* ---- shared vocabulary ---------------------------------------------------------------- */

/* Splits "key=value" in place of a word; a list value is taken apart. */
bool key_value_of(struct loader *l, const char *word, struct place where, struct key_value *kv);
/* Complains if the key has a list. */
bool want_text(const struct key_value *kv);
/* Complaint about a value. */
bool bad_value(const struct key_value *kv, const struct problem *p);

const struct sched_policy *find_policy(const char *name, struct place where);
/* Index, or -1 after a complaint. */
int find_pool(struct loader *l, const char *name, struct place where);
int find_domain(struct loader *l, const char *name, struct place where);
/* Index or -1 without a word. */
int lookup_domain(const struct scenario *s, const char *name);
/* "web" or "web.1" -> indices, *vcpu = -1 for all. */
bool find_whom(struct loader *l, const char *text, struct place where, int *domain, int *vcpu);

#define SCOPE(x) (1u << (x))

/* Where a parameter shall apply. */
struct param_target {
    const struct sched_policy *policy;
    unsigned scopes;  /* SCOPE() bits */
    bool may_drop;    /* the policy was overridden: unknown here is fine if it is known elsewhere */
    bool check_range; /* no for changes that shall be refused */
};

/* Adds key=value to the settings, in place of an earlier value. */
bool param_add(struct loader *l, const struct param_target *t, const struct key_value *kv,
               struct param_setting **settings, unsigned *nr);
/* The parameter at domain scope, else at unit scope; NULL if it has none. */
const struct sched_param *domain_param(const struct sched_policy *policy, const char *name);
/* Once for each key. */
void warn_dropped(struct loader *l, const struct sched_policy *policy, const struct key_value *kv);
/* Cap of a domain: at most 100 per cent for each vCPU. */
bool check_cap(const struct scenario_domain *d, const struct key_value *kv, int64_t cap);

/* ---- the passes ------------------------------------------------------------------------ */

/* Pool-0 is always there. */
void add_default_pool(struct loader *l);
bool parse_pool(struct loader *l, struct statement *st);
bool parse_override(struct loader *l);
/* After the last pool: gives Pool-0 what is left and checks that pools are disjoint. */
bool finish_pools(struct loader *l);

bool parse_domain(struct loader *l, struct statement *st);

/* All of "at", "refused at" and "table", in order of time. */
bool parse_changes(struct loader *l, const struct statement *statements, unsigned nr);

bool parse_expectation(struct loader *l, struct statement *st);

#endif
