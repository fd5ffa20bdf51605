# gnuplot -c confusion.gp DATA PNG: a confusion matrix. DATA comes from confusion.awk.
# The plane is laid out in pixels; the diagonal stays out of the colour scale, so that
# errors can be seen.

set encoding utf8
set datafile separator "\t"
set datafile commentschars ""

# The numbers of the whole stand one a line.
array n[8]
stats ARG1 index 0 using (n[int($0) + 1] = $1) nooutput
classes = int(n[1])
all = int(n[2])
groups = int(n[3])
images = n[4]
correct = n[5]
most = n[6]
longest = n[7]
longest_group = n[8]

clamp(x, low, high) = x < low ? low : x > high ? high : x
cell = classes <= 240 ? clamp(floor(2500.0 / classes), 25, 90) : \
       classes <= 6000 ? clamp(floor(6000.0 / classes), 2, 25) : 12000.0 / classes
side = classes * cell
# Sizes of letters in pixels. Where every name would be too small to read, one of several
# stands for its neighbours.
letter = clamp(floor(0.55 * cell), 10, 20)
each = ceil(1.1 * letter / cell)
named(i) = int(i) % each == 0
big = clamp(floor(side / 70.0), 16, 36)
mid = clamp(floor(side / 110.0), 13, 23)
group_letter = clamp(floor(side / 140.0), 13, 18)
width(letters, size) = 0.58 * letters * size

axis = 2.2 * mid
names = width(longest, letter) + 12
group_names = groups > 0 ? width(longest_group, group_letter) + 24 : 0
bar_w = 15.0 * mid
bar_h = 0.8 * mid
# Beside the words there is room for the scale where the matrix is wide.
wide = side > 1300
head = 3.0 * big + (wide ? 2.6 : 5.0) * mid + (classes < all ? 1.5 * mid : 0)
left = axis + names + 14
right = (groups > 0 ? group_names : 30) + 14
top = head + (groups > 0 ? 0.72 * group_names : 14) + 10
bottom = names + axis + 14
W = int(clamp(left + side + right, 56.0 * mid, 30000))
H = int(top + side + bottom)
text_x = wide ? left : 24
bar_x = wide ? left + side - bar_w : text_x + 8.7 * mid
bar_y = 1.4 * big + (wide ? 1.2 : classes < all ? 4.4 : 2.9) * mid

# pngcairo's point is 4/3 of a pixel on its scale of 96 dots an inch.
px(size) = sprintf("DejaVu Sans,%.2f", 0.75 * size)
f_big = px(big)
f_mid = px(mid)
f_axis = px(1.15 * mid)
f_bar = px(0.85 * mid)
f_name = px(letter)
f_group = px(group_letter)
f_cell = px(clamp(0.4 * cell, 1, 18))
set terminal pngcairo size W,H background "#ffffff" font f_mid noenhanced linewidth 1
set output ARG2

set margins 0,0,0,0
set lmargin at screen 0
set rmargin at screen 1
set bmargin at screen 0
set tmargin at screen 1
unset border
unset tics
unset key
set xrange [0:W]
set yrange [H:0]
X(i) = left + cell * i
Y(i) = top + cell * i

# Of matplotlib's magma, from light to dark: even steps of lightness.
set palette defined (0 "#fcf0b2", 1 "#fec68a", 2 "#fd9b6b", 3 "#f7705c", \
    4 "#e34e65", 5 "#c03a76", 6 "#9b2e7f", 7 "#762181", \
    8 "#54137d", 9 "#2d1161", 10 "#0e0b2b")
top_of_scale = most < 2 ? 2 : most
set logscale cb
set cbrange [1:top_of_scale]
set colorbox horizontal user origin screen bar_x / W, screen 1 - (bar_y + bar_h) / H \
    size screen bar_w / W, screen bar_h / H front noborder
set cbtics scale 0 font f_bar offset 0, 0.4 nomirror autofreq
set format cb "%.0f"
set cbtics (1)
do for [v in "2 5 10 20 50 100 200 500 1000 2000 5000 10000 20000 50000 100000"] {
    mark = int(v)
    if (1.35 * mark <= top_of_scale) {
        set cbtics add (mark)
    }
}
set cbtics add (top_of_scale)

set label 1 sprintf("Confusion matrix: %s class%s, %.0f images, accuracy %s", \
    classes == all ? sprintf("%d", all) : sprintf("%d of %d", classes, all), all == 1 ? "" : "es", images, \
    images > 0 ? sprintf("%.2f %%", 100.0 * correct / images) : "not known") \
    at text_x, 1.3 * big font f_big front
set label 2 "White: no error. Grey diagonal: correct predictions in percent of the class, not on the scale." \
    . (classes < all ? "\nClasses without images and predictions are not shown." : "") \
    . (each > 1 ? sprintf(" One name in %d is written.", each) : "") \
    at text_x, 1.4 * big + 1.7 * mid font f_mid textcolor rgb "#5b646e" front
set label 3 "wrong predictions" at bar_x - mid, bar_y + 0.45 * bar_h right font f_mid front
set label 4 "prediction" at left + side / 2, H - 0.7 * mid center font f_axis front
set label 5 "true class" at left - names - 0.9 * mid, top + side / 2 center rotate by 90 font f_axis front

percent(right, total) = total > 0 ? sprintf("%.0f", 100.0 * right / total) : " "
counted = cell >= 20
dark(v) = v > 0 && log(v) > 0.42 * log(top_of_scale)
shade(v) = dark(v) ? 0xffffff : 0x30343a
count(v) = counted && v > 0 ? sprintf("%d", v) : " "

# What is left out is drawn without size or as a blank: gnuplot 5.4 fails on labels of
# which none can be placed. Rows of -1 stand for no row.
array edge[2] = [0, classes]
at(i) = i < 0 ? 0 : i
size(i) = i < 0 ? 0 : cell / 2.0
long(i) = i < 0 ? 0 : side

plot \
    ARG1 index 1 using (X($1 + 0.5)):(Y($1 + 0.5)):($3 > 0 ? cell / 2.0 : 0):($3 > 0 ? cell / 2.0 : 0) \
        with boxxyerror fillstyle solid 1 noborder linecolor rgb "#dfe3e7", \
    ARG1 index 2 using (X(at($2) + 0.5)):(Y(at($1) + 0.5)):(size($1)):(size($1)):($3 < 1 ? 1 : $3) \
        with boxxyerror fillstyle solid 1 noborder linecolor palette, \
    ARG1 index 1 using (X($1)):(top):(0):(side) with vectors nohead linewidth 0.4 linecolor rgb "#eceff2", \
    ARG1 index 1 using (left):(Y($1)):(side):(0) with vectors nohead linewidth 0.4 linecolor rgb "#eceff2", \
    ARG1 index 3 using (X(at($1))):(top):(0):(long($1)) with vectors nohead linewidth 1.2 linecolor rgb "#98a2ab", \
    ARG1 index 3 using (left):(Y(at($1))):(long($1)):(0) with vectors nohead linewidth 1.2 linecolor rgb "#98a2ab", \
    ARG1 index 3 using (X(at($2 + 1))):(top):(0):(long($1)) with vectors nohead linewidth 1.2 linecolor rgb "#98a2ab", \
    ARG1 index 3 using (left):(Y(at($2 + 1))):(long($1)):(0) with vectors nohead linewidth 1.2 linecolor rgb "#98a2ab", \
    edge using (X(edge[$1])):(top):(0):(side) with vectors nohead linewidth 1.5 linecolor rgb "#5b646e", \
    edge using (left):(Y(edge[$1])):(side):(0) with vectors nohead linewidth 1.5 linecolor rgb "#5b646e", \
    ARG1 index 1 using (X($1 + 0.5)):(Y($1 + 0.5)):(counted ? percent($4, $3) : " ") \
        with labels font f_cell textcolor rgb "#5b646e", \
    ARG1 index 2 using (X(at($2) + 0.5)):(Y(at($1) + 0.5)):(count($3)):(shade($3)) \
        with labels font f_cell textcolor rgb variable, \
    ARG1 index 1 using (left - 7):(Y($1 + 0.5)):(named($1) ? strcol(2) : " ") with labels right font f_name, \
    ARG1 index 1 using (X($1 + 0.5)):(top + side + 7):(named($1) ? strcol(2) : " ") \
        with labels right rotate by 90 font f_name, \
    ARG1 index 3 using (left + side + 10):(Y(0.5 * (at($1) + at($2) + 1))):3 with labels left font f_group, \
    ARG1 index 3 using (X(0.5 * (at($1) + at($2) + 1))):(top - 9):3 \
        with labels left rotate by 45 font f_group
