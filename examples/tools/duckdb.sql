-- Prediction rows in DuckDB, where p.tsv lies:
--
--   duckdb < examples/tools/duckdb.sql
--
-- There are no quotes, and NA is NULL. With sample_size = -1 the types are found from all
-- rows: a probability of 1 is written as 1, and a column may begin with several of them.
CREATE VIEW p AS
FROM read_csv('p.tsv', delim = '\t', header = true, quote = '', escape = '', nullstr = 'NA', sample_size = -1);

-- The same for tools that read Parquet.
COPY p TO 'p.parquet' (FORMAT parquet);

-- Each superclass: its accuracy, and its most confident error.
SELECT true_group, count(*) AS images, round(avg(correct), 3) AS accuracy,
       arg_max(id, conf) FILTER (correct = 0) AS id,
       arg_max(pred_name, conf) FILTER (correct = 0) AS predicted_as,
       round(max(conf) FILTER (correct = 0), 3) AS conf
FROM p WHERE correct IS NOT NULL
GROUP BY true_group ORDER BY accuracy, true_group LIMIT 5;
