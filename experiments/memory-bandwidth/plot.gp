# latency: by load; bandwidth: by what MBA lets through.
set datafile separator ','
set border 3 lc rgb '#606060'
set tics nomirror textcolor rgb '#303030'
set grid ytics lt 1 lc rgb '#DDDDDD' lw 1
unset key
set yrange [0:*]

do for [kind in 'png svg'] {
    if (kind eq 'png') {
        set terminal pngcairo size 1000,420 font 'DejaVu Sans,11' background '#FFFFFF'
    } else {
        set terminal svg size 1000,420 font 'DejaVu Sans,13' background '#FFFFFF'
    }
    set output 'latency.' . kind
    set multiplot layout 1,2 title 'Latency of memory, ns, by load, GB/s: measured (points; filled: used for the model) and model (line)'
    do for [m in 'genius desktop'] {
        set title m noenhanced
        plot '< grep ^' . m . ', latency.csv | sort -t, -k3n' using ($3 / 1000):5 with lines lw 2 lc rgb '#0072B2', \
             '' using ($2 != 20000 && $2 != 100 && $2 != 50 ? $3 / 1000 : NaN):4 with points pt 6 lc rgb '#D55E00', \
             '' using ($2 == 20000 || $2 == 100 || $2 == 50 ? $3 / 1000 : NaN):4 with points pt 7 lc rgb '#D55E00'
    }
    unset multiplot
    set output 'bandwidth.' . kind
    set multiplot layout 1,3 title 'One core, throttled by MBA, GB/s by per cent let through: measured (points; filled: used) and model (line)'
    do for [m in 'gold6254-stream gold6254-scattered unnamed'] {
        set title m noenhanced
        plot '< grep ^' . m . ', bandwidth.csv | sort -t, -k2n' using 2:($4 / 1000) with lines lw 2 lc rgb '#0072B2', \
             '' using ($2 != 100 && $2 != 20 ? $2 : NaN):($3 / 1000) with points pt 6 lc rgb '#D55E00', \
             '' using ($2 == 100 || $2 == 20 ? $2 : NaN):($3 / 1000) with points pt 7 lc rgb '#D55E00'
    }
    unset multiplot
}
