# From what dom0 said and the replays: the table and the verdict, and each second's shares as a CSV.
#
# phase: UPTIME | POLICY | PHASE | HEAVY LIGHT | WITHIN | ...     a phase begins
# share: SECONDS,NAME,DOMAIN,VCPU,PCPU,SHARE,...                  of a second that ends then, in the phase
# replay | POLICY | HEAVY | LIGHT                                 of the policy's first phase, simulated

function distance(a, b)
{
    return a > b ? a - b : b - a
}

# A line of the table: what should be, what is, and whether that is right.
function compare(policy, phase, ideal_heavy, ideal_light, heavy, light, within,    off)
{
    off = distance(heavy, ideal_heavy)
    if (distance(light, ideal_light) > off)
        off = distance(light, ideal_light)
    if (off > furthest)
        furthest = off
    lines++
    if (off > within)
        wrong++
    printf "%-8s %-30s %6.2f %6.2f   %6.2f %6.2f   %5.2f  %s\n", policy, phase, ideal_heavy,
        ideal_light, heavy, light, off, (off > within ? "WRONG: more than " within : "ok")
}

# Per cent of the time after the first second, in which the change took hold.
function mean(phase, who)
{
    return time[phase] ? got[phase, who] / time[phase] : 0
}

BEGIN {
    print "seconds,policy,phase,heavy,light,ideal_heavy,ideal_light" > csv
}

/^phase: / {
    split($0, part, / *\| */)
    now = substr(part[1], 8)
    if (!n++)
        start = now
    else
        print "" > csv # for gnuplot, which draws no line across it
    policy[n] = part[2]
    title[n] = part[3]
    split(part[4], ideal, " ")
    heavy[n] = ideal[1]
    light[n] = ideal[2]
    within[n] = part[5]
    last = 0
}

/^share: / {
    split(substr($0, 8), part, ",")
    share[part[2]] = part[6]
    if (part[2] != "light")
        next
    if (last) {
        got[n, "heavy"] += share["heavy"] * (part[1] - last)
        got[n, "light"] += share["light"] * (part[1] - last)
        time[n] += part[1] - last
    }
    last = part[1]
    printf "%.3f,%s,%s,%s,%s,%s,%s\n", now - start + part[1], policy[n], title[n], share["heavy"],
        share["light"], heavy[n], light[n] > csv
}

/^replay / {
    split($0, part, / *\| */)
    simulated_heavy[part[2]] = part[3]
    simulated_light[part[2]] = part[4]
}

END {
    printf "%-8s %-30s %13s   %13s   %5s\n", "Policy", "Phase", "ideal", "measured", "off"
    printf "%-8s %-30s %6s %6s   %6s %6s   %5s\n", "", "", "heavy", "light", "heavy", "light", "by"
    for (i = 1; i <= n; i++)
        compare(policy[i], title[i], heavy[i], light[i], mean(i, "heavy"), mean(i, "light"), within[i])
    printf "\n%-39s %13s   %13s\n", "", "simulated", "measured"
    for (i = 1; i <= n; i++)
        if (policy[i] != policy[i - 1])
            compare(policy[i], "replay of " title[i], simulated_heavy[policy[i]],
                simulated_light[policy[i]], mean(i, "heavy"), mean(i, "light"), 1)
    print ""
    if (!n || wrong) {
        printf "%s: failed: %d of %d shares are wrong\n", name, wrong, lines
        exit 1
    }
    printf "%s: passed (%d shares, none further from its ideal than %.2f points)\n", name, lines,
        furthest
}
