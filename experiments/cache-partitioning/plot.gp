# alone: IPC of each program by ways; slowdown: slowdowns of six.
set datafile separator ','
set border 3 lc rgb '#606060'
set tics nomirror textcolor rgb '#303030'
set grid ytics lt 1 lc rgb '#DDDDDD' lw 1

programs = 'applu00 crafty00 gobmk06 lbm06 libquantum06 mcf06 milc06 soplex06 sphinx306 wupwise00 xalancbmk06 zeusmp06'
do for [kind in 'png svg'] {
    if (kind eq 'png') {
        set terminal pngcairo size 1000,720 font 'DejaVu Sans,10' background '#FFFFFF'
    } else {
        set terminal svg size 1000,720 font 'DejaVu Sans,12' background '#FFFFFF'
    }
    set output 'alone.' . kind
    set multiplot layout 3,4 title 'Instructions per cycle by ways of the cache: measured (points; filled: used for the model) and model (line)' noenhanced
    set xrange [0.5:11.5]
    set yrange [0:*]
    set xtics 1,2
    unset key
    do for [p in programs] {
        set title p noenhanced
        plot '< grep ^' . p . ', alone.csv' using 2:4 with lines lw 2 lc rgb '#0072B2', \
             '' using ($2 > 1 && $2 < 11 ? $2 : NaN):3 with points pt 6 ps 0.9 lc rgb '#D55E00', \
             '' using ($2 == 1 || $2 == 11 ? $2 : NaN):3 with points pt 7 ps 0.9 lc rgb '#D55E00'
    }
    unset multiplot
}

set key outside bottom center horizontal Left reverse noenhanced samplen 2
set style data histograms
set style histogram clustered gap 1
set style fill solid 1 noborder
set autoscale x
set xtics auto norotate noenhanced
do for [kind in 'png svg'] {
    if (kind eq 'png') {
        set terminal pngcairo size 1000,560 font 'DejaVu Sans,11' background '#FFFFFF'
    } else {
        set terminal svg size 1000,560 font 'DejaVu Sans,13' background '#FFFFFF'
    }
    set output 'slowdown.' . kind
    set multiplot layout 2,1
    do for [a in 'opt-stp-bf ucp'] {
        set title 'Six programs together with the ways of ' . a . ': slowdown' noenhanced
        set yrange [1:1.5]
        plot '< grep ^' . a . ', slowdown.csv' using 4:xtic(2) lc rgb '#0072B2' title 'model', \
             '' using 3 lc rgb '#D55E00' title 'PBBCache', \
             '' using 6 lc rgb '#A6CBE3' title 'model, no contention for memory', \
             '' using 5 lc rgb '#F2BE96' title 'PBBCache, no contention for memory'
    }
    unset multiplot
}
