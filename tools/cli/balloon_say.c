#include "balloon_say.h"

#include "../balloon/rules.h"

static const char *reason(enum balloon_why why)
{
    static const char *const reasons[] = {
        [BALLOON_KEPT] = "kept",
        [BALLOON_GUARANTEE] = "it is guaranteed",
        [BALLOON_LIVE] = "it needs that to live",
        [BALLOON_WANTED] = "it would use it",
        [BALLOON_IDLE] = "others can use what it does not",
        [BALLOON_SHARE] = "others are entitled to it",
        [BALLOON_CEILING] = "it may not have more",
        [BALLOON_WITHDRAWN] = "the rest can not be promised any more",
    };

    return reasons[why];
}

void say_decision(FILE *out, const char *name, const struct balloon_domain *d, int64_t before)
{
    struct memory_text from, to, has, lives, wants, share;

    fprintf(out, "%s: %s -> %s: %s (has %s, lives on %s, wants %s, share %s)\n", name,
            memory_show(before, &from), memory_show(d->target, &to), reason(d->why),
            memory_show(d->memory, &has), memory_show(d->need.live, &lives),
            memory_show(d->need.want, &wants), memory_show(d->share, &share));
}

static void say_state(FILE *out, const char *name, const struct balloon_domain *d)
{
    struct memory_text target;

    if (d->state == BALLOON_HELD)
        fprintf(out, "%s: held at %s, which an operator has set\n", name,
                memory_show(d->target, &target));
    else if (d->state == BALLOON_SILENT)
        fprintf(out, "%s: does not report (data/meminfo in xenstore): left at %s\n", name,
                memory_show(d->target, &target));
    else
        fprintf(out, "%s: looked after from %s\n", name, memory_show(d->target, &target));
}

static void say_following(FILE *out, const char *name, const struct balloon_domain *d)
{
    struct memory_text has, target;

    if (d->following == BALLOON_KEEPS)
        fprintf(out, "%s: does not follow: keeps %s where %s is its target\n", name,
                memory_show(d->memory, &has), memory_show(d->target, &target));
    else if (d->following == BALLOON_LEAVES)
        fprintf(out, "%s: does not follow: stays at %s and takes no more\n", name,
                memory_show(d->memory, &has));
    else
        fprintf(out, "%s: follows again\n", name);
}

void say_changes(FILE *out, const char *name, const struct balloon_domain *was,
                 const struct balloon_domain *is)
{
    if (!was->seen || was->state != is->state)
        say_state(out, name, is);
    if (was->following != is->following)
        say_following(out, name, is);
}
