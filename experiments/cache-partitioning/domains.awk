# A domain for each program of measured.csv. Its miss curve has the points of 1, 2, 4, 8 and 11 ways, and
# cpi and mlp are solved from the IPC with 1 and with 11 ways: cpi + misses * cycles / mlp = 1 / ipc.
# cycles: the memory's latency. way: MiB of a way.
BEGIN { FS = "," }
/^#/ || $1 == "program" { next }
{ name[$1]; ipc[$1, $2] = $3; mpki[$1, $2] = $4 }
END {
    n = split("1 2 4 8 11", at, " ")
    for (p in name) {
        seen = 1 / ipc[p, 1] - 1 / ipc[p, 11]
        missed = (mpki[p, 1] - mpki[p, 11]) / 1000 * cycles
        mlp = seen > 0 ? missed / seen : 1e9 # more misses, and not slower
        cpi = 1 / ipc[p, 11] - mpki[p, 11] / 1000 * cycles / mlp
        curve = ""
        for (i = 1; i <= n; i++)
            curve = curve sprintf("%s%gM:%.6f", i > 1 ? "," : "", at[i] * way, mpki[p, at[i]])
        printf "domain %s cpi=%.6f mlp=%.6g mpki=%s\n", p, cpi, mlp, curve
    }
}
