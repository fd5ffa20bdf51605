-- Prediction rows in SQLite, where p.tsv lies:
--
--   sqlite3 < examples/tools/sqlite.sql
--
-- Columns are imported as text. `+ 0` makes a number of one, so that 5e-07 is less than 0.9,
-- and nullif() a missing value of NA.
.mode tabs
.import p.tsv imported
CREATE VIEW p AS
SELECT id + 0 AS id, true_name, pred_name, nullif(correct, 'NA') + 0 AS correct, conf + 0 AS conf
FROM imported;

.headers on
-- Pairs of classes that are confused in both directions.
WITH pair AS (
    SELECT true_name, pred_name, count(*) AS errors, max(conf) AS max_conf
    FROM p WHERE correct = 0 GROUP BY true_name, pred_name)
SELECT a.true_name, a.pred_name, a.errors, b.errors AS errors_back,
       printf('%.3f', max(a.max_conf, b.max_conf)) AS max_conf
FROM pair a JOIN pair b ON a.true_name = b.pred_name AND a.pred_name = b.true_name
WHERE a.true_name < a.pred_name
ORDER BY a.errors + b.errors DESC, a.true_name, a.pred_name LIMIT 5;
