# gnuplot -c faithfulness.gp DATA PNG: how faithful maps are by several metrics, a panel for each,
# a line for each map. DATA comes from faithfulness.awk.

set encoding utf8
set datafile separator "\t"
set datafile commentschars ""

stats ARG1 skip 1 using 6 name "n" nooutput
metrics = n_blocks
stats ARG1 index 0 skip 1 using 2 name "m" nooutput
maps = int(m_records)
images = n_max

# pngcairo's point is 4/3 of a pixel on its scale of 96 dots an inch.
px(size) = sprintf("DejaVu Sans,%.2f", 0.75 * size)
f_letter = px(19)
f_title = px(28)
f_small = px(15)
across = metrics < 3 ? metrics : 3
down = (metrics + across - 1) / across
left = 270.0
panel = 500.0
gap = 50.0
tall = 22.0 * maps + 30
W = left + across * (panel + gap)
W = W < 1200 ? 1200 : W
H = 130 + down * (tall + 110)
set terminal pngcairo size W,H background "#ffffff" font f_letter noenhanced linewidth 2
set output ARG2
set multiplot

color(i) = word("#8a939b #2f7f9e #d9822b #5a8f3c #b0413e #7a5ea8", 1 + i)
# Layers can be told apart without their colours.
shape(i) = 0 + word("6 7 5 9 13 11", 1 + i)
set border 3 linecolor rgb "#8a939b"
set tics nomirror textcolor rgb "#30343a"
set grid linecolor rgb "#eceff2" linetype 1 linewidth 0.6
set xtics font f_small
set label 1 sprintf("What maps are worth, by %d metrics: means of up to %.0f images with 95%% intervals", metrics, images) \
    at screen 24.0 / W, screen 1 - 40.0 / H font f_title
set label 3 "Grey: maps that know nothing of the network; the dashed line is the centre of the image, for mosaics chance" \
    at screen 24.0 / W, screen 1 - 76.0 / H font f_letter textcolor rgb "#59636e"

values = "for [k = 0:5] ARG1 index i using ($5 == k ? $2 : NaN):8:3:4 with xerrorbars \
    pointtype shape(k) pointsize 1.1 linewidth 1.5 linecolor rgb color(k) notitle, \
    ARG1 index i using ($7 > -99 ? $7 : NaN):8 with points pointtype 7 pointsize 0 notitle"
do for [i = 0:metrics - 1] {
    c = i % across
    r = i / across
    set lmargin at screen (left + c * (panel + gap)) / W
    set rmargin at screen (left + c * (panel + gap) + panel) / W
    set tmargin at screen 1 - (160.0 + r * (tall + 110)) / H
    set bmargin at screen 1 - (160.0 + r * (tall + 110) + tall) / H
    set key at graph 0, graph 1.0 left bottom Left samplen -1 font f_letter
    # It minds the range.
    set yrange [*:*]
    stats ARG1 index i skip 1 using 7 name "center" nooutput
    center = center_min > -99 ? center_min : NaN
    set yrange [maps + 0.5:0.5]
    set arrow 1 from center, graph 0 to center, graph 1 nohead dashtype 2 linewidth 1 linecolor rgb "#59636e"
    if (c > 0) {
        set format y ""
        set ytics 1, 1, maps
        plot ARG1 index i using (NaN):8 with points pointtype 7 pointsize 0 title columnheader(1), @values
    } else {
        unset format
        unset ytics
        set ytics font f_small
        # Points that are not seen name the lines.
        plot ARG1 index i using 2:8:ytic(1) with points pointtype 7 pointsize 0 title columnheader(1), @values
    }
    unset label 1
    unset label 3
}
unset multiplot
