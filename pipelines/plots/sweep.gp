# gnuplot -c sweep.gp DATA PNG: accuracy, calibration error and maps of several checkpoints.
# DATA comes from sweep.awk.

set encoding utf8
set datafile separator "\t"
set datafile commentschars ""

stats ARG1 every ::::0 using 1 name "m" nooutput
stats ARG1 every ::::0 using 2 name "n" nooutput
stats ARG1 every ::::0 using 3 name "letters" nooutput
models = m_max

# pngcairo's point is 4/3 of a pixel on its scale of 96 dots an inch.
px(size) = sprintf("DejaVu Sans,%.2f", 0.75 * size)
f_letter = px(19)
f_title = px(28)
f_small = px(16)
W = 1900
# Names hang below their places, turned by 60 degrees.
below = 30 + 8.5 * letters_max
H = 590 + below
set terminal pngcairo size W,H background "#ffffff" font f_letter noenhanced linewidth 2
set output ARG2
set multiplot

set border 3 linecolor rgb "#8a939b"
set tics nomirror textcolor rgb "#30343a"
set grid ytics linecolor rgb "#eceff2" linetype 1 linewidth 0.6
set xrange [0.5:models + 0.5]
set xtics rotate by -60 font f_small
x(v) = v < -1.5 ? NaN : v
set tmargin at screen 1 - 170.0 / H
set bmargin at screen 1.0 * below / H
unset key

set label 1 sprintf("%.0f checkpoints on the same %.0f images", models, n_max) \
    at screen 24.0 / W, screen 1 - 40.0 / H font f_title

# --- accuracy ---

set lmargin at screen 90.0 / W
set rmargin at screen 620.0 / W
# As many digits as the steps need: checkpoints may be close to each other.
set format y "%g"
set label 2 "Accuracy with 95 % interval" at screen 90.0 / W, screen 1 - 105.0 / H font f_letter
set label 3 "filled: differs from the first beyond chance" at screen 90.0 / W, screen 1 - 140.0 / H font f_small
plot ARG1 skip 1 using 2:(x($3)):(x($4)):(x($5)):xtic(1) with yerrorbars pointtype 0 linewidth 1 linecolor rgb "#2f7f9e", \
    ARG1 skip 1 using 2:(x($3)) with lines linecolor rgb "#2f7f9e", \
    ARG1 skip 1 using 2:($16 == 1 ? x($3) : NaN) with points pointtype 7 pointsize 1.4 linecolor rgb "#2f7f9e", \
    ARG1 skip 1 using 2:($16 == 1 ? NaN : x($3)) with points pointtype 6 pointsize 1.4 linecolor rgb "#2f7f9e"
unset label 1

# --- calibration ---

set lmargin at screen 720.0 / W
set rmargin at screen 1250.0 / W
set yrange [0:*]
set label 2 "Expected calibration error with 95 % interval" at screen 720.0 / W, screen 1 - 105.0 / H font f_letter
set label 3 "dashed: what chance gives" at screen 720.0 / W, screen 1 - 140.0 / H font f_small
plot ARG1 skip 1 using 2:(x($6)):(x($7)):(x($8)):xtic(1) with yerrorbars pointtype 7 pointsize 1.2 linewidth 1 linecolor rgb "#d9822b", \
    ARG1 skip 1 using 2:(x($6)) with lines linecolor rgb "#d9822b", \
    ARG1 skip 1 using 2:(x($9)) with lines linecolor rgb "#8a939b" dashtype 2

# --- maps ---

set lmargin at screen 1350.0 / W
set rmargin at screen 1870.0 / W
set yrange [0:1]
set label 2 "Maps, shares with 95 % intervals" at screen 1350.0 / W, screen 1 - 105.0 / H font f_letter
unset label 3
set key at screen 1350.0 / W, screen 1 - 140.0 / H left center horizontal font f_small samplen 1.5 Left reverse
# A line between points that may be missing is drawn apart from the intervals.
plot ARG1 skip 1 using 2:(x($13)):(x($14)):(x($15)):xtic(1) with yerrorbars pointtype 5 pointsize 1.2 linewidth 1 linecolor rgb "#5a8f3c" \
        title "errors whose two maps overlap", \
    ARG1 skip 1 using 2:(x($13)) with lines linecolor rgb "#5a8f3c" notitle, \
    ARG1 skip 1 using 2:(x($10)):(x($11)):(x($12)) with yerrorbars pointtype 9 pointsize 1.2 linewidth 1 linecolor rgb "#b0413e" \
        title "blank maps", \
    ARG1 skip 1 using 2:(x($10)) with lines linecolor rgb "#b0413e" notitle
unset multiplot
