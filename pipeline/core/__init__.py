"""How a stage is called, writes its results and rejects its input: no forecasting here.

In: paths and arguments of a command line. Out: files that are complete or absent, and exit codes.

Read `errors` (what a user can correct), `command` (a function becomes a command), `files` (atomic
writes), `manifest` (which files belong to a result).
"""
