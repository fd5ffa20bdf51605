# gnuplot -c pairs.gp DATA PNG: the most frequent pairs of classes as bars. DATA comes
# from pairs.awk. The plane is laid out in pixels.

set encoding utf8
set datafile separator "\t"
set datafile commentschars ""

# The numbers of the whole stand one a line.
array n[8]
stats ARG1 index 0 using (n[int($0) + 1] = $1) nooutput
pairs = int(n[1])
longest = n[2] + 3
most = n[3] > 0 ? n[3] : 1

letter = 19
step = 46.0
left = 0.6 * longest * letter + 50
length = 900.0
note = 390
top = 120
W = int(left + length + note)
W = W < 1100 ? 1100 : W
H = int(top + step * (pairs > 0 ? pairs : 1) + 30)

# pngcairo's point is 4/3 of a pixel on its scale of 96 dots an inch.
px(size) = sprintf("DejaVu Sans,%.2f", 0.75 * size)
f_letter = px(letter)
f_title = px(30)
f_small = px(16)
set terminal pngcairo size W,H background "#ffffff" font f_letter noenhanced
set output ARG2

set lmargin at screen 0
set rmargin at screen 1
set bmargin at screen 0
set tmargin at screen 1
unset border
unset tics
unset key
set xrange [0:W]
set yrange [H:0]
Y(i) = top + step * (i + 0.5)
bar(count) = length * count / most

array color[3] = [0xd9822b, 0x2f7f9e, 0x8a939b]
array kind[3] = ["other superclass", "same superclass", "superclass not known"]

# What is drawn, and what is as frequent as the last bar.
title = pairs == 0 ? (n[8] > 0 ? "No pair of classes is confused more than once" : \
                                 "No pair of classes is confused") : \
        pairs == 1 ? "The only pair confused more than once" : \
        sprintf(pairs < 15 ? "The %d pairs confused more than once" : \
                             "The %d most frequent confusion pairs", pairs)
set label 1 title at 24, 40 font f_title
tied = n[7] == 0 ? "" : sprintf("; %d more as frequent as the last", int(n[7]))
set label 2 "true class → prediction, with the number of images".tied at 24, 82 font f_small textcolor rgb "#5b646e"
# The legend names the kinds there are, from the right.
at_x = W - 30.0
do for [i = 1:3] {
    if (n[3 + i] > 0) {
        words = sprintf("%s: %d", kind[i], int(n[3 + i]))
        at_x = at_x - 0.58 * 16 * strlen(words)
        set label 10 + i words at at_x, 82 font f_small
        set object i rectangle from at_x - 24, 75 to at_x - 8, 91 fillcolor rgb color[i] fillstyle solid noborder
        at_x = at_x - 50
    }
}

# The row of -1 is drawn without size, its texts are blank: gnuplot 5.4 fails on labels
# of which none can be placed.
at(i) = i < 0 ? 0 : i
half(i) = i < 0 ? 0 : 0.36 * step
figure(i, v) = i < 0 ? " " : sprintf("%d", v)

plot \
    ARG1 index 1 using (left + bar($3) / 2):(Y(at($1))):(bar($3) / 2):(half($1)):(color[int($2) + 1]) \
        with boxxyerror fillstyle solid 1 noborder linecolor rgb variable, \
    ARG1 index 1 using (left - 14):(Y(at($1))):4 with labels right font f_letter, \
    ARG1 index 1 using (left + bar($3) + 10):(Y(at($1))):(figure($1, $3)) with labels left font f_letter, \
    ARG1 index 1 using (left + bar($3) + 20 + 0.65 * letter * strlen(figure($1, $3))):(Y(at($1))):5 \
        with labels left font f_small textcolor rgb "#5b646e"
