# A reliability diagram of prediction rows, where p.tsv lies:
#
#   gnuplot examples/tools/reliability.gp
#
# Columns have names, there are no quotes or comments, and NA is missing. `smooth unique`
# is the mean of all images in one bin.
set datafile separator tab missing "NA" columnheaders
set datafile commentschars ""

set terminal pngcairo size 480,480
set output "reliability.png"
set xlabel "confidence"
set ylabel "accuracy"
set xrange [0:1]
set yrange [0:1]
set key top left
bin(conf) = (floor(conf * 10) < 9 ? floor(conf * 10) : 9) / 10.0 + 0.05
plot "p.tsv" using (bin(column("conf"))):(column("correct")) smooth unique with linespoints title "the model", \
     x with lines dashtype 2 title "as confident as right"
