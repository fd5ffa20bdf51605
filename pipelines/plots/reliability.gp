# gnuplot -c reliability.gp DATA PNG: accuracy by confidence, how often each confidence occurs,
# and risk by coverage. DATA comes from reliability.awk.

set encoding utf8
set datafile separator "\t"
set datafile commentschars ""

# The measures stand one a line.
array n[7]
stats ARG1 index 0 using (n[int($0) + 1] = $1) nooutput
images = n[1]
ece = n[2]
chance = n[3]
temperature = n[4]
ece_after = n[5]
area = n[6]
accuracy = n[7]
mended = temperature > 0 && ece_after >= 0

# pngcairo's point is 4/3 of a pixel on its scale of 96 dots an inch.
px(size) = sprintf("DejaVu Sans,%.2f", 0.75 * size)
f_letter = px(19)
f_title = px(28)
f_small = px(16)
W = 1640
H = 1020
set terminal pngcairo size W,H background "#ffffff" font f_letter noenhanced linewidth 2
set output ARG2
set multiplot

grey = "#8a939b"
now = "#2f7f9e"
after = "#d9822b"
set border 3 linecolor rgb grey
set tics nomirror textcolor rgb "#30343a"
set grid linecolor rgb "#eceff2" linetype 1 linewidth 0.6
set key left top Left reverse font f_small samplen 1.2 spacing 1.3
# What is not there lies outside of the axes.
set clip points
x(v) = v < 0 ? NaN : v

# --- reliability ---

set lmargin at screen 100.0 / W
set rmargin at screen 860.0 / W
set tmargin at screen 1 - 130.0 / H
set bmargin at screen 1 - 790.0 / H
set xrange [0:1]
set yrange [0:1]
set format x ""
set format y "%.1f"
set ylabel "accuracy" offset 1, 0
set label 1 "Reliability of the confidences" at screen 24.0 / W, screen 1 - 40.0 / H font f_title
set label 2 sprintf("calibration error %.2f %%, chance alone gives %.2f %%%s; %.0f images", 100 * ece, 100 * chance, \
    mended ? sprintf("; %.2f %% at temperature %.3f", 100 * ece_after, temperature) : "", images) \
    at screen 24.0 / W, screen 1 - 82.0 / H font f_small textcolor rgb "#5b646e"
set label 3 "over-confident" at 0.97, 0.04 right front font f_small textcolor rgb "#5b646e"
plot \
    ARG1 index 3 using (0.5 * ($5 + $6)):(x($2)):(1.0 / 15) with boxes fillstyle solid 1 noborder \
        linecolor rgb "#e3eef3" title "equal-width bins", \
    x with lines linecolor rgb grey linewidth 1 dashtype 2 title "confidence = accuracy", \
    ARG1 index 1 using (x($1)):(x($2)):3:4 with yerrorbars pointtype 7 pointsize 1.2 linewidth 1 \
        linecolor rgb now title "bins of equal mass, 95 % interval", \
    ARG1 index 2 using (x($1)):(x($2)) with points pointtype 6 pointsize 1.6 linewidth 1.5 linecolor rgb after \
        title mended ? sprintf("at temperature %.3f, held-out folds", temperature) : ""
unset label

# --- how often ---

set tmargin at screen 1 - 820.0 / H
set bmargin at screen 1 - 940.0 / H
set format x "%.1f"
set yrange [0:*]
set ytics 0.5
set xlabel "confidence" offset 0, 0.3
set ylabel "share" offset 1, 0
plot ARG1 index 3 using (0.5 * ($5 + $6)):(images > 0 ? $7 / images : 0):(0.9 / 15) with boxes fillstyle solid 1 noborder \
    linecolor rgb now notitle

# --- risk ---

# Of few images the interval may reach beyond any risk.
stats ARG1 index 4 using 2 name "risk" nooutput
top = risk_max > 0.01 ? (risk_max < 0.6 ? 1.6 * risk_max : 1) : 0.02

set lmargin at screen 990.0 / W
set rmargin at screen 1600.0 / W
set tmargin at screen 1 - 130.0 / H
set bmargin at screen 1 - 940.0 / H
set ytics autofreq
set xlabel "coverage: share of the images, the most confident first"
set ylabel "risk: share of errors among them"
set format y "%.2f"
set label 1 "Risk against coverage" at screen 900.0 / W, screen 1 - 40.0 / H font f_title
set label 2 sprintf("mean risk %.2f %%; all images %.2f %%", 100 * area, 100 * (1 - accuracy)) \
    at screen 900.0 / W, screen 1 - 82.0 / H font f_small textcolor rgb "#5b646e"
# Beside the figures: a wide interval fills the chart.
set key at screen 1600.0 / W, screen 1 - 82.0 / H right center
plot [0:1] [0:top] \
    ARG1 index 4 using (x($1)):3:4 with filledcurves fillstyle solid 1 noborder linecolor rgb "#e3eef3" \
        title "95 % interval", \
    ARG1 index 4 using (x($1)):(x($2)) with lines linecolor rgb now notitle
unset multiplot
