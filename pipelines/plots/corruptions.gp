# gnuplot -c corruptions.gp DATA PNG: accuracy, calibration error and drift of the maps by severity,
# a curve for each kind. DATA comes from corruptions.awk.

set encoding utf8
set datafile separator "\t"
set datafile commentschars ""

stats ARG1 skip 1 using 7 name "n" nooutput
kinds = n_blocks
images = n_max

# pngcairo's point is 4/3 of a pixel on its scale of 96 dots an inch.
px(size) = sprintf("DejaVu Sans,%.2f", 0.75 * size)
f_letter = px(19)
f_title = px(28)
f_small = px(16)
rows = (kinds + 2) / 3
W = 1900
H = 720 + 26 * rows
set terminal pngcairo size W,H background "#ffffff" font f_letter noenhanced linewidth 2
set output ARG2
set multiplot

color(i) = word("#2f7f9e #d9822b #5a8f3c #b0413e #7a5ea8 #8a6d3b #30343a", 1 + i % 7)
# Kinds can be told apart without their colours.
shape(i) = 0 + word("7 5 9 13 11 6 4", 1 + i % 7)
set border 3 linecolor rgb "#8a939b"
set tics nomirror textcolor rgb "#30343a"
set grid linecolor rgb "#eceff2" linetype 1 linewidth 0.6
set xrange [-0.25:5.25]
set xtics ("clean" 0, "1" 1, "2" 2, "3" 3, "4" 4, "5" 5)
set xlabel "severity" offset 0, 0.3
x(v) = v < -1.5 ? NaN : v
set tmargin at screen 1 - 150.0 / H
set bmargin at screen (100 + 26.0 * rows) / H
unset key

set label 1 sprintf("The model on images that are made worse (%.0f images of each kind and severity)", images) \
    at screen 24.0 / W, screen 1 - 40.0 / H font f_title

# --- accuracy ---

set lmargin at screen 90.0 / W
set rmargin at screen 620.0 / W
set yrange [0:1]
set format y "%.1f"
set label 2 "Accuracy with 95 % interval" at screen 90.0 / W, screen 1 - 105.0 / H font f_letter
# Intervals beside each other.
aside(i) = (i - 0.5 * (kinds - 1)) * 0.3 / kinds
plot for [i = 0:kinds - 1] ARG1 index i skip 1 using ($1 + aside(i)):(x($2)):3:4 with yerrorbars pointtype shape(i) pointsize 1 linewidth 1 \
        linecolor rgb color(i), \
    for [i = 0:kinds - 1] ARG1 index i skip 1 using ($1 + aside(i)):(x($2)) with lines linecolor rgb color(i) dashtype 1 + i / 7
unset label 1

# --- calibration ---

set lmargin at screen 720.0 / W
set rmargin at screen 1250.0 / W
set yrange [*:*]
stats ARG1 skip 1 using 5 name "ece" nooutput
# What is not known is below 0; a range that is one point is none.
if (ece_max <= 0) { set yrange [0:1] } else { set yrange [0:*] }
set format y "%.2f"
set label 2 "Expected calibration error" at screen 720.0 / W, screen 1 - 105.0 / H font f_letter
plot for [i = 0:kinds - 1] ARG1 index i skip 1 using 1:(x($5)) with linespoints pointtype shape(i) pointsize 1.2 \
    linecolor rgb color(i) dashtype 1 + i / 7

# --- maps ---

set lmargin at screen 1350.0 / W
set rmargin at screen 1870.0 / W
set label 2 "Maps: median rank correlation with the clean ones" \
    at screen 1350.0 / W, screen 1 - 105.0 / H font f_letter
set key at screen 0.5, screen (16 + 26.0 * rows) / H center top horizontal maxrows rows font f_small samplen 2 width 2
set yrange [*:*]
stats ARG1 skip 1 using ($6 < -1.5 ? 1 : $6) name "map" nooutput
if (map_min >= 1) { set yrange [0:1] } else { set yrange [*:1] }
plot for [i = 0:kinds - 1] ARG1 index i using 1:(x($6)) with linespoints pointtype shape(i) pointsize 1.2 \
    linecolor rgb color(i) dashtype 1 + i / 7 title columnheader(1)
unset multiplot
