#define _GNU_SOURCE
#include "request.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "../sim/message.h"
#include "../sim/units.h"

/* Values of getopt's for what has no letter. */
enum { FIRST_PARAM = 256, DOMAIN = 512, VCPU, POOL, HELP };

#define MAX_POSITIONAL (1 + MOIRAI_VALUES)
#define MAX_OPTIONS    (MOIRAI_PARAMS + 6)

const struct sched_command sched_commands[] = {
    {"sched-rr", "rrobin", "slice", {{0}}, {{0}}},
    {"sched-bvt", "bvt", NULL, {{0}}, {{"warpl", "ms"}, {"warpu", "ms"}}},
    {"sched-bvt-ctxallow", "bvt", "ctx_allow", {{0}}, {{0}}},
    {"sched-fbvt", "fbvt", NULL, {{0}}, {{0}}},
    {"sched-fbvt-ctxallow", "fbvt", "ctx_allow", {{0}}, {{0}}},
    {"sched-atropos", "atropos", NULL, {{0}}, {{0}}},
    {"sched-sedf", "sedf", NULL, {{0}}, {{0}}},
    {"sched-credit",
     "credit",
     NULL,
     {{'w', "weight"}, {'c', "cap"}, {'t', "tslice"}, {'r', "ratelimit"}, {'p', "pool"}},
     {{"tslice", "ms"}, {"ratelimit", "us"}}},
    {"sched-credit2",
     "credit2",
     NULL,
     {{'w', "weight"}, {'c', "cap"}, {'r', "ratelimit"}, {'p', "pool"}},
     {{"ratelimit", "us"}}},
    {"sched-rtds",
     "rtds",
     NULL,
     {{'p', "period"}, {'b', "budget"}, {'e', "extratime"}, {'c', "pool"}},
     {{"period", "us"}, {"budget", "us"}}},
    {NULL, NULL, NULL, {{0}}, {{0}}},
};

const struct sched_command *sched_command_named(const char *name)
{
    for (const struct sched_command *c = sched_commands; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

/* ---- values -------------------------------------------------------------------------------- */

static struct place at(const struct sched_command *c)
{
    return (struct place){c->name, 0};
}

static const char *unit_of(const struct sched_command *c, const char *param)
{
    for (unsigned i = 0; i < 4 && c->units[i].param; i++)
        if (!strcmp(c->units[i].param, param))
            return c->units[i].unit;
    return "ns";
}

static bool plain_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

/* `old`: a plain number is in the unit of old. */
static bool take_value(const struct sched_command *c, const struct policy *p, unsigned index,
                       const char *text, bool old, struct request *out)
{
    const struct moirai_param *from = &p->params[index];
    const struct sched_param param = {.name = from->name,
                                      .kind = (enum sched_kind)from->kind,
                                      .min = from->min,
                                      .max = from->max};
    char with_unit[64];
    struct problem problem;

    if (old && from->kind == MOIRAI_TIME && plain_number(text) && strlen(text) < 32) {
        snprintf(with_unit, sizeof with_unit, "%s%s", text, unit_of(c, from->name));
        text = with_unit;
    }
    if (!unit_param(&param, text, true, &out->value[index], &problem))
        return complain(at(c), "%s: %s", from->name, problem.text);
    out->given |= 1u << index;
    return true;
}

static int param_named(const struct policy *p, const char *name)
{
    for (unsigned i = 0; i < p->info.nr_params; i++)
        if (!strcmp(p->params[i].name, name))
            return (int)i;
    return -1;
}

uint32_t request_values(const struct request *r, const struct policy *p, enum moirai_scope scope,
                        int64_t *value)
{
    uint32_t set = 0;
    unsigned n = 0;

    for (unsigned i = 0; i < p->info.nr_params; i++) {
        if (p->params[i].scope != scope)
            continue;
        value[n] = r->value[i];
        set |= (r->given >> i & 1) << n++;
    }
    return set;
}

/* ---- positional arguments ------------------------------------------------------------------ */

/* The scope of the policy's parameters that are a domain's: its own, or its vCPUs'. */
static enum moirai_scope scope_of_domains(const struct policy *p)
{
    for (unsigned i = 0; i < p->info.nr_params; i++)
        if (p->params[i].scope == MOIRAI_SCOPE_DOMAIN)
            return MOIRAI_SCOPE_DOMAIN;
    return MOIRAI_SCOPE_VCPU;
}

static bool complain_number(const struct sched_command *c, const struct policy *p)
{
    char names[256] = "";
    size_t used = 0;

    for (unsigned i = 0; i < p->info.nr_params; i++)
        if (p->params[i].scope == scope_of_domains(p))
            used += (size_t)snprintf(names + used, sizeof names - used, " %s", p->params[i].name);
    return complain(at(c), "give all values in this order, or each by its option: %s DOMAIN%s",
                    c->name, names);
}

static bool take_pool_value(const struct sched_command *c, const struct policy *p, unsigned nr,
                            char **text, struct request *out)
{
    if (nr > 1)
        return complain(at(c), "'%s' is too much; use: %s %s", text[1], c->name, c->pool_param);
    int index = param_named(p, c->pool_param);
    return index < 0 ? complain(at(c), "this hypervisor's %s has no %s", c->policy, c->pool_param)
                     : take_value(c, p, (unsigned)index, text[0], true, out);
}

static bool take_positional(const struct sched_command *c, const struct policy *p, unsigned nr,
                            char **text, struct request *out)
{
    unsigned n = 1;

    if (!nr)
        return true;
    if (c->pool_param)
        return take_pool_value(c, p, nr, text, out);
    if (out->domain)
        return complain(at(c), "'%s': the domain is given by its option already", text[0]);
    out->domain = text[0];
    if (nr == 1)
        return true;
    for (unsigned i = 0; i < p->info.nr_params; i++) {
        if (p->params[i].scope != scope_of_domains(p))
            continue;
        if (n == nr)
            return complain_number(c, p);
        if (!take_value(c, p, i, text[n++], true, out))
            return false;
    }
    return n == nr || complain_number(c, p);
}

/* ---- options ------------------------------------------------------------------------------- */

static const struct option common[] = {
    {"domain", required_argument, NULL, DOMAIN}, {"vcpu", required_argument, NULL, VCPU},
    {"pool", required_argument, NULL, POOL},     {"cpupool", required_argument, NULL, POOL},
    {"schedparam", no_argument, NULL, 's'},      {"help", no_argument, NULL, HELP},
};

#define NR_COMMON (sizeof common / sizeof common[0])

static void build_options(const struct policy *p, struct option *options)
{
    unsigned n = 0;

    for (; n < NR_COMMON; n++)
        options[n] = common[n];
    for (unsigned i = 0; i < p->info.nr_params; i++)
        options[n++] =
            (struct option){p->params[i].name, required_argument, NULL, FIRST_PARAM + (int)i};
    options[n] = (struct option){NULL, 0, NULL, 0};
}

/* "+": whatever is no option is ours to look at; ":": so are errors. */
static void build_letters(const struct sched_command *c, char *letters)
{
    letters += sprintf(letters, "+:hsd:v:");
    for (unsigned i = 0; i < 8 && c->letters[i].param; i++)
        letters += sprintf(letters, "%c:", c->letters[i].letter);
}

static bool unknown_option(const struct sched_command *c, const struct option *options,
                           const char *text)
{
    struct names names = {0};
    struct hint hint;

    for (const struct option *o = options; o->name; o++)
        names_add(&names, o->name);
    return complain(at(c), "there is no option '%s'; %s", text,
                    names_hint(&names, text + strspn(text, "-"), &hint));
}

static bool take_letter(const struct sched_command *c, const struct policy *p, int letter,
                        struct request *out)
{
    for (unsigned i = 0; i < 8 && c->letters[i].param; i++) {
        if (c->letters[i].letter != letter)
            continue;
        if (!strcmp(c->letters[i].param, "pool")) {
            out->pool = optarg;
            return true;
        }
        int index = param_named(p, c->letters[i].param);
        if (index >= 0)
            return take_value(c, p, (unsigned)index, optarg, true, out);
    }
    return complain(at(c), "-%c means nothing here", letter);
}

static bool take_option(const struct sched_command *c, const struct policy *p, int option,
                        struct request *out)
{
    if (option >= FIRST_PARAM && option < DOMAIN)
        return take_value(c, p, (unsigned)(option - FIRST_PARAM), optarg, false, out);
    switch (option) {
    case 'd':
    case DOMAIN:
        out->domain = optarg;
        break;
    case 'v':
    case VCPU:
        out->vcpu = optarg;
        break;
    case POOL:
        out->pool = optarg;
        break;
    case 'h':
    case HELP:
        out->help = true;
        break;
    case 's': /* xl's "the scheduler's own parameters": they are always shown */
        break;
    default:
        return take_letter(c, p, option, out);
    }
    return true;
}

static bool negative_number(const char *text)
{
    return text[0] == '-' && isdigit((unsigned char)text[1]);
}

bool request_parse(const struct sched_command *c, const struct policy *p, int argc, char **argv,
                   struct request *out)
{
    struct option options[MAX_OPTIONS + 1];
    char letters[32], *positional[MAX_POSITIONAL];
    unsigned nr = 0;

    *out = (struct request){0};
    build_options(p, options);
    build_letters(c, letters);
    optind = 0; /* begin anew */
    opterr = 0;
    getopt_long(1, argv, letters, options, NULL);
    for (int next = 1; next < argc; next = optind) {
        int option =
            negative_number(argv[next]) ? -1 : getopt_long(argc, argv, letters, options, NULL);
        if (option == -1 && optind < argc) {
            if (nr == MAX_POSITIONAL)
                return complain(at(c), "'%s' is too much", argv[optind]);
            positional[nr++] = argv[optind++];
        } else if (option == '?') {
            return unknown_option(c, options, argv[next]);
        } else if (option == ':') {
            return complain(at(c), "%s needs a value", argv[next]);
        } else if (option != -1 && !take_option(c, p, option, out)) {
            return false;
        }
    }
    return take_positional(c, p, nr, positional, out);
}
