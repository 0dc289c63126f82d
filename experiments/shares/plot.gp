# Shares over time and what they should be: shares.png and shares.svg from shares.csv.
set datafile separator ','
set border 3 lc rgb '#606060'
set tics nomirror textcolor rgb '#303030'
set grid ytics lt 1 lc rgb '#DDDDDD' lw 1
set key outside bottom center horizontal Left reverse noenhanced samplen 2
set title 'Two busy domains on one pCPU, in QEMU' noenhanced
set xlabel 'time (s)'
set ylabel 'share of the pCPU (%)'
set yrange [0:108]
set ytics 0, 20, 100
set offsets graph 0, graph 0.02, 0, 0

# Where a phase begins, its name; with several policies only theirs, where they begin.
policies = system("sed 1d shares.csv | cut -d, -f2 | grep . | uniq | wc -l") + 0
last = ''
label(policy, phase) = (name = policies > 1 ? policy : phase, begins = name ne last, last = name, \
    begins ? name : '')

set terminal pngcairo size 1000,560 font 'DejaVu Sans,11' background '#FFFFFF'
set output 'shares.png'
plot 'shares.csv' skip 1 using 1:6 with lines lw 6 lc rgb '#BBD7EA' title 'heavy, ideal', \
     '' skip 1 using 1:7 with lines lw 6 lc rgb '#F5CDB0' title 'light, ideal', \
     '' skip 1 using 1:4 with linespoints lw 2 pt 7 ps 0.5 lc rgb '#0072B2' title 'heavy', \
     '' skip 1 using 1:5 with linespoints lw 2 pt 7 ps 0.5 lc rgb '#D55E00' title 'light', \
     '' skip 1 using 1:(104):(label(strcol(2), strcol(3))) with labels left noenhanced notitle

last = ''
set terminal svg size 1000,560 font 'DejaVu Sans,13' background '#FFFFFF'
set output 'shares.svg'
replot
