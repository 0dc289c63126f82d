# csv, out: for each series the part of its wakes that were no later than so much.
set datafile separator ','
set border 3 lc rgb '#606060'
set tics nomirror textcolor rgb '#303030'
set grid lt 1 lc rgb '#DDDDDD' lw 1
set key outside right center Left reverse noenhanced samplen 2
set title 'How late a sleeper woke, beside four hogs on its pCPU (QEMU, virtual time)' noenhanced
set xlabel 'late by no more than'
set ylabel 'of all wakes, %'
set logscale x
set xrange [2e4:3e8]
set xtics ('20 us' 2e4, '100 us' 1e5, '300 us' 3e5, '1 ms' 1e6, '3 ms' 3e6, '10 ms' 1e7, \
           '30 ms' 3e7, '100 ms' 1e8, '300 ms' 3e8)
set yrange [0:100]
late(hv, series) = strcol(1) eq hv && strcol(2) eq series ? $3 : NaN
part(hv, series) = 100.0 / count(hv, series)
count(hv, series) = int(system(sprintf("grep -c '^%s,%s,' '%s' || true", hv, series, csv))) + 1e-9
moirai = 'alone credit2 credit bvt rtds-reserved sedf-reserved'
xen = 'alone credit2 credit rtds-reserved'
colour(s) = s eq 'alone' ? 0x808080 : s eq 'credit2' ? 0x0072B2 : s eq 'credit' ? 0xD55E00 : \
            s eq 'bvt' ? 0x009E73 : s eq 'rtds-reserved' ? 0xCC79A7 : 0xE69F00

do for [kind in 'png svg'] {
    if (kind eq 'png') {
        set terminal pngcairo size 1100,560 font 'DejaVu Sans,11' background '#FFFFFF'
    } else {
        set terminal svg size 1100,560 font 'DejaVu Sans,13' background '#FFFFFF'
    }
    set output out . '.' . kind
    plot for [s in moirai] csv every ::1 using (late('moirai', s)):(part('moirai', s)) \
             smooth cumulative with steps lw 2 lc rgb colour(s) title 'Moirai: ' . s, \
         for [s in xen] csv every ::1 using (late('xen', s)):(part('xen', s)) \
             smooth cumulative with steps lw 2 dt 2 lc rgb colour(s) title 'Xen 4.17: ' . s
}
