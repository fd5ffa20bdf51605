# Prediction rows in R:  Rscript examples/tools/classes.R p.tsv
#
# There are no quotes and no comments; NA is R's own.
p <- read.delim(commandArgs(TRUE)[1], quote = "", comment.char = "")
p <- subset(p, !is.na(true))

# Accuracy of each superclass, with its exact 95 % interval (Clopper and Pearson).
groups <- aggregate(cbind(right = correct) ~ true_group, p, sum)
groups$images <- as.vector(table(p$true_group)[groups$true_group])
interval <- mapply(function(x, n) binom.test(x, n)$conf.int, groups$right, groups$images)
groups <- transform(groups, accuracy = right / images, low = interval[1, ], high = interval[2, ])
print(head(groups[order(groups$accuracy), ], 5), digits = 3, row.names = FALSE)

# Does confidence tell errors from correct predictions beyond entropy?
fit <- glm(correct ~ conf + entropy, binomial, p)
print(round(coef(fit), 2))
