"""Drift: are the new rows of a table what its history would make one expect?

In: the clean table of the last run, and the same table with new rows. Out: findings, each with its
column, its series and what it looks like: a fault of the data (another unit, a stuck sensor,
shuffled rows, missing values) or a real shift.

No threshold is fixed in units. Each column of each series is cut into windows, and the distance of
a new window from the past is compared with the same distance between pairs of windows of its own
history. Read `windows` (distances, and how unusual one is), `units` (which conversion explains a
jump), `faults` (sensors that are stuck, rows that were shuffled), `columns` (one column of one
series), `tables` (the two tables, and what is new), `report` (all findings, as JSON and as
Markdown) and `inspection` (all of it, before anything is changed).
"""
