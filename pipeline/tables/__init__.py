"""From the raw table to the clean one: regular, typed, complete, with a report of every change.

In comes the user's CSV or Parquet file, or a folder of them; out go `table.parquet` and
`report.json`, or an `InputError` with everything that is wrong. The same steps clean the recent
rows of a forecast. A table need not fit in memory.

Read `cleaning` first: its `clean` calls the other files in the order in which the data passes them.

1. `source`: files become batches of rows.
2. `reading`: batches become rows in order, spooled to disk (`values`, `timestamps`,
   `ordering`, `spool`).
3. `frequency`: the step between two rows, declared or inferred, and the clock that it stands for.
4. `blocks`: spooled rows become blocks in memory (`raw`) that can be cleaned one by one.
5. `steps`: the checks of a block (`checks`, `problems`) and its regular grid (`grid`).
6. `filling`: missing values are filled where the column's policy allows it.
7. `writing`: complete rows become the clean table (`rows`, `outline`) and the report (`report`).

Before all of that, `describing` looks at a table that nobody has described yet.
"""
