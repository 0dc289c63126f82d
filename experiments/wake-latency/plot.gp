# A line for each row of latency.csv: a bar from the median to the 99.9th percentile, which is its
# square end, and the maximum as a dot.
set datafile separator ','
set border 3 lc rgb '#606060'
set tics nomirror textcolor rgb '#303030'
set grid xtics lt 1 lc rgb '#DDDDDD' lw 1
set key outside bottom center horizontal Left reverse noenhanced samplen 2
set title 'Wake-to-run latency of a vCPU that needs 2 % of a pCPU, beside 16 hogs on 4 pCPUs' noenhanced
set xlabel 'wake to run: median to 99.9th percentile (square)'
set logscale x
set xrange [500:2e8]
set xtics ('1 us or less' 1e3, '10 us' 1e4, '100 us' 1e5, '1 ms' 1e6, '10 ms' 1e7, '100 ms' 1e8)
set yrange [18.6:0.4]
set lmargin 44
set bmargin 7
set rmargin 4
unset ytics
set ytics scale 0
least(ns) = ns < 1e3 ? 1e3 : ns
name(policy, given) = strlen(given) ? policy . ': ' . given : policy
kind(which, ns) = strcol(1) eq which ? ns : NaN
never(ns) = strlen(ns) ? '' : 'never runs'

set terminal pngcairo size 1000,640 font 'DejaVu Sans,11' background '#FFFFFF'
set output 'latency.png'
plot 'latency.csv' every ::1 using (least($8)):($0 + 1):ytic(name(strcol(2), strcol(3))) \
         with points pt 7 ps 0.8 lc rgb '#303030' title 'maximum', \
     '' every ::1 using (kind('default', least($5))):($0 + 1):(least($7) - least($5)):(0) \
         with vectors nohead lw 6 lc rgb '#0072B2' notitle, \
     '' every ::1 using (kind('default', least($7))):($0 + 1) \
         with points pt 5 ps 1.2 lc rgb '#0072B2' title 'default parameters', \
     '' every ::1 using (kind('asked', least($5))):($0 + 1):(least($7) - least($5)):(0) \
         with vectors nohead lw 6 lc rgb '#D55E00' notitle, \
     '' every ::1 using (kind('asked', least($7))):($0 + 1) \
         with points pt 5 ps 1.2 lc rgb '#D55E00' title 'asked for more', \
     '' every ::1 using (1e3):($0 + 1):(never(strcol(5))) with labels left noenhanced notitle

set terminal svg size 1000,640 font 'DejaVu Sans,13' background '#FFFFFF'
set output 'latency.svg'
replot
