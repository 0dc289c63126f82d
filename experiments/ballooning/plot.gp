# Useful memory of all domains over time, for hundred.mem, and one domain's way through it.
set datafile separator ','
set border 3 lc rgb '#606060'
set tics nomirror textcolor rgb '#303030'
set grid ytics lt 1 lc rgb '#DDDDDD' lw 1
set key outside bottom center horizontal Left reverse noenhanced samplen 2
set xlabel 'minutes'
set lmargin 9
set rmargin 3
set bmargin 5
set xrange [0:240]

do for [kind in 'png svg'] {
    if (kind eq 'png') {
        set terminal pngcairo size 1000,520 font 'DejaVu Sans,11' background '#FFFFFF'
    } else {
        set terminal svg size 1000,520 font 'DejaVu Sans,13' background '#FFFFFF'
    }
    set output 'useful.' . kind
    set title '100 domains on 36 GiB: memory that programs would use, and what they had of it' noenhanced
    set ylabel 'GiB'
    set yrange [0:*]
    plot 'hundred/balloond.csv' every 20::1 using ($0 / 3):($1 / 1024) with lines lw 1 lc rgb '#A0A0A0' \
             title 'demand', \
         'hundred/ideal.csv' every 20::1 using ($0 / 3):($2 / 1024) with lines lw 1 dt 2 lc rgb '#303030' \
             title 'ideal', \
         'hundred/balloond.csv' every 20::1 using ($0 / 3):($2 / 1024) with lines lw 2 lc rgb '#0072B2' \
             title 'balloond', \
         'hundred/equal.csv' every 20::1 using ($0 / 3):($2 / 1024) with lines lw 2 lc rgb '#D55E00' \
             title 'equal shares', \
         'hundred/none.csv' every 20::1 using ($0 / 3):($2 / 1024) with lines lw 2 lc rgb '#009E73' \
             title 'no ballooning'

    set output 'domain.' . kind
    set title 'One of them (batch-1) under balloond: guaranteed 96 MiB, at most 1 GiB' noenhanced
    set ylabel 'MiB'
    plot "< grep ',batch-1,' hundred/domains.csv" using ($1 / 60):4 with steps lw 2 lc rgb '#0072B2' \
             title 'memory', \
         '' using ($1 / 60):3 with steps lw 1 lc rgb '#A0A0A0' title 'demand', \
         '' using ($1 / 60):5 with steps lw 2 lc rgb '#D55E00' title 'useful'
}
