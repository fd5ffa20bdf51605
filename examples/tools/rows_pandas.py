"""Prediction rows in pandas: python3 examples/tools/rows_pandas.py p.tsv

There are no quotes, and NA alone is missing: a class may be called "null" or "None".
"""
import csv
import sys

import pandas as pd

p = pd.read_csv(sys.argv[1], sep="\t", quoting=csv.QUOTE_NONE, na_values="NA", keep_default_na=False)
p = p.dropna(subset="true")

# A reliability table: is confidence above accuracy?
bins = pd.cut(p["conf"], [0, .2, .4, .6, .8, 1])
print(p.groupby(bins, observed=True).agg(images=("id", "size"), conf=("conf", "mean"), accuracy=("correct", "mean"))
      .round(3))

# Which superclasses are mistaken for which.
errors = p[p["correct"] == 0]
print(pd.crosstab(errors["true_group"], errors["pred_group"]).stack().nlargest(3).rename("errors").reset_index())
