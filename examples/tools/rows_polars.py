"""Prediction rows in Polars: python3 examples/tools/rows_polars.py p.tsv

There are no quotes, and NA is null. infer_schema_length=None finds the types from all rows: a
probability of 1 is written as 1, and a column may begin with many of them.
"""
import sys

import polars as pl

p = pl.scan_csv(sys.argv[1], separator="\t", quote_char=None, null_values="NA", infer_schema_length=None)

classes = (
    p.filter(pl.col("true").is_not_null())
    .group_by("true_name")
    .agg(
        pl.len().alias("images"),
        pl.col("correct").mean().alias("accuracy"),
        pl.col("conf").filter(pl.col("correct") == 0).mean().alias("conf_of_errors"),
        pl.col("pred_name").filter(pl.col("correct") == 0).mode().sort().first().alias("most_often"),
    )
    .sort("accuracy", "true_name")
    .head(5)
    .collect()
)
with pl.Config(tbl_formatting="ASCII_MARKDOWN", tbl_hide_column_data_types=True, float_precision=3):
    print(classes)
