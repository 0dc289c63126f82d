# Cost of each operation against the size, a line for each policy. tests/bench/run sets
# column and unit (of operations.csv), x ("pcpus" or "units"), policies, terminal and output.

# 4 units on each pCPU, or 64 pCPUs.
chosen = x eq "pcpus" ? "$3 == 4 * $2" : "$2 == 64"
points(policy, operation) = sprintf( \
    "< awk -F, '$1 == \"%s\" && $4 == \"%s\" && %s && $%d > 0 { print $%d, $%d; n++ } ".\
    "END { if (!n) print 1, \"nan\" }' build/bench/operations.csv | sort -n", \
    policy, operation, chosen, column, x eq "pcpus" ? 2 : 3, column)

set linetype 1 lc rgb "#0072B2" pt 1
set linetype 2 lc rgb "#D55E00" pt 2
set linetype 3 lc rgb "#009E73" pt 4
set linetype 4 lc rgb "#CC79A7" pt 5
set linetype 5 lc rgb "#E69F00" pt 6
set linetype 6 lc rgb "#56B4E9" pt 7
set linetype 7 lc rgb "#5B3A8C" pt 8
set linetype 8 lc rgb "#7F7F7F" pt 9
set linetype 9 lc rgb "#000000" pt 10
set linetype 10 lc rgb "#8C564B" pt 12

set logscale xy
set grid
set key outside right
set xlabel (x eq "pcpus" ? "pCPUs, with 4 units each" : "units on 64 pCPUs")
set ylabel unit
if (x eq "pcpus") {
    set xrange [0.8:640]
    set xtics (1, 8, 64, 512)
} else {
    set xrange [48:87000]
    set xtics (64, 256, 1024, 4096, 16384, 65536)
}

set multiplot layout 2, 2 title "Cost of scheduling operations"
do for [operation in "pick wake block re-weight"] {
    set title operation
    plot for [policy in policies] points(policy, operation) with linespoints lw 2 title policy
}
unset multiplot
