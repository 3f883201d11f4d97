"""From the raw table to the clean one: regular, typed, complete, with a report of every change.

In comes the user's CSV or Parquet file, or a folder of them; out go `table.parquet` and
`report.json`, or an `InputError` with everything that is wrong. The same steps clean the recent
rows of a forecast. A table need not fit in memory.

Read `cleaning` first: its `clean` calls the other files in the order in which the data passes them.

1. `declarations`: what `params.yaml` says about the columns.
2. `source`: files become batches of rows (`lines`).
3. `reading`: batches become rows in order, spooled to disk: times (`times`, `timestamps`,
   `notation`, `repeats`, `jitter`), values (`cells`, `values`), their order (`ordering`, `spool`).
4. `frequency`: the step between two rows, declared or inferred; `clocks`: what it stands for.
5. `blocks`: spooled rows become blocks in memory (`raw`) that can be cleaned one by one.
6. `steps`: the checks of a block (`checks`, `columns`, `problems`), its regular grid (`grid`), and
   what is cut out of it (`cutting`).
7. `filling`: missing values (`stretches`) are filled or masked as the column's policy says.
8. `writing`: rows become the clean table (`rows`, `outline`) and the report (`report`).

Before all of that, `describing` looks at a table that nobody has described yet.
"""
