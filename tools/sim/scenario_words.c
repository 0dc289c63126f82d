/*
 * Words of a scenario file and the names in them.
 */
#include "scenario_parse.h"

#include <ctype.h>
#include <string.h>

/* ---- lines into words ---------------------------------------------------------------------- */

static bool ends_word(char c)
{
    return c == '\0' || isspace((unsigned char)c);
}

/* The end of a word that starts at `at`: blanks in quotes and brackets belong to it. */
static const char *word_end(const char *at, struct problem *p)
{
    char quote = '\0';
    unsigned depth = 0;

    for (; *at && (quote || depth || !ends_word(*at)); at++) {
        if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"')
            quote = *at;
        else if (*at == '[')
            depth++;
        else if (*at == ']' && depth)
            depth--;
    }
    if (!quote && !depth)
        return at;
    problem_set(p, "%s", quote ? "a quote is not closed; add \"" : "a list is not closed; add ]");
    return NULL;
}

/* Copies a word; quotes outside of lists are for blanks only and go. */
static char *copy_word(struct arena *a, const char *start, const char *end)
{
    char *copy = arena_alloc(a, (size_t)(end - start) + 1), *to = copy;
    unsigned depth = 0;

    for (; start < end; start++) {
        depth += *start == '[';
        depth -= *start == ']' && depth;
        if (*start != '"' || depth)
            *to++ = *start;
    }
    return copy;
}

static const char *skip_blanks(const char *at)
{
    while (isspace((unsigned char)*at))
        at++;
    return at;
}

/* Free text up to a comment or the end. */
static char *free_text(struct arena *a, const char *start)
{
    const char *end = start;

    while (*end && !(*end == '#' && (end == start || isspace((unsigned char)end[-1]))))
        end++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    if (end - start >= 2 && *start == '"' && end[-1] == '"')
        return arena_strndup(a, start + 1, (size_t)(end - start - 2));
    return arena_strndup(a, start, (size_t)(end - start));
}

bool statement_split(struct arena *a, const char *line, struct statement *out, struct problem *p)
{
    const char *at = skip_blanks(line);
    bool is_title = !strncmp(at, "title", 5) && ends_word(at[5]);

    out->nr = 0;
    out->word = NULL;
    out->rest = "";
    while (*at && *at != '#') {
        const char *end = word_end(at, p);

        if (!end)
            return false;
        *arena_push(a, out->word, out->nr) = copy_word(a, at, end);
        at = skip_blanks(end);
        if (out->nr == 1)
            out->rest = free_text(a, at);
        if (is_title) /* an apostrophe or a bracket is nothing special in it */
            break;
    }
    return true;
}

struct words words_from(const struct statement *st, unsigned first)
{
    unsigned skipped = first < st->nr ? first : st->nr;

    return (struct words){st->where, st->nr - skipped, st->word + skipped};
}

struct words words_rest(const struct words *w, unsigned first)
{
    unsigned skipped = first < w->nr ? first : w->nr;

    return (struct words){w->where, w->nr - skipped, w->word + skipped};
}

bool key_value_of(struct loader *l, const char *word, struct place where, struct key_value *kv)
{
    const char *equals = strchr(word, '=');
    struct problem p;

    if (!equals || equals == word)
        return complain(where, "'%s' is not understood; use key=value", word);
    *kv = (struct key_value){.key = arena_strndup(l->memory, word, (size_t)(equals - word)),
                             .where = where};
    if (equals[1] != '[') {
        kv->text = equals + 1;
        return true;
    }
    return unit_list(l->memory, equals + 1, &kv->items, &kv->nr_items, &p) ||
           complain(where, "%s: %s", kv->key, p.text);
}

bool want_text(const struct key_value *kv)
{
    return kv->text || complain(kv->where, "%s: a list is not understood; use one value", kv->key);
}

bool bad_value(const struct key_value *kv, const struct problem *p)
{
    return complain(kv->where, "%s: %s", kv->key, p->text);
}

/* ---- names --------------------------------------------------------------- */

const struct sched_policy *find_policy(const char *name, struct place where)
{
    const struct sched_policy *policy = sched_policy_by_name(name);
    struct names names = {0};
    struct hint hint;

    if (policy)
        return policy;
    for (unsigned i = 0; sched_policies[i]; i++)
        names_add(&names, sched_policy_name(sched_policies[i]));
    complain(where, "unknown policy '%s'; %s", name, names_hint(&names, name, &hint));
    return NULL;
}

int find_pool(struct loader *l, const char *name, struct place where)
{
    struct names names = {0};
    struct hint hint;

    for (unsigned i = 0; i < l->s->nr_pools; i++) {
        if (!strcmp(l->s->pools[i].name, name))
            return (int)i;
        names_add(&names, l->s->pools[i].name);
    }
    complain(where, "no pool '%s'; %s", name, names_hint(&names, name, &hint));
    return -1;
}

int lookup_domain(const struct scenario *s, const char *name)
{
    for (unsigned i = 0; i < s->nr_domains; i++)
        if (!strcmp(s->domains[i].name, name))
            return (int)i;
    return -1;
}

int find_domain(struct loader *l, const char *name, struct place where)
{
    int found = lookup_domain(l->s, name);
    struct names names = {0};
    struct hint hint;

    if (found >= 0)
        return found;
    for (unsigned i = 0; i < l->s->nr_domains; i++)
        names_add(&names, l->s->domains[i].name);
    complain(where, "no domain '%s'; %s", name, names_hint(&names, name, &hint));
    return -1;
}

bool find_whom(struct loader *l, const char *text, struct place where, int *domain, int *vcpu)
{
    const char *dot = strrchr(text, '.');
    struct problem p;
    int64_t number;
    unsigned nr;

    *vcpu = -1;
    *domain = lookup_domain(l->s, text);
    if (*domain >= 0)
        return true;
    if (!dot || !isdigit((unsigned char)dot[1]) || !unit_integer(dot + 1, &number, &p)) {
        *domain = find_domain(l, text, where);
        return *domain >= 0;
    }
    *domain = find_domain(l, arena_strndup(l->memory, text, (size_t)(dot - text)), where);
    if (*domain < 0)
        return false;
    nr = l->s->domains[*domain].nr_vcpus;
    if (number >= nr)
        return complain(where, "%s has no vCPU %s; use 0 to %u", l->s->domains[*domain].name,
                        dot + 1, nr - 1);
    *vcpu = (int)number;
    return true;
}
