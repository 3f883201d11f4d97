"""MLflow: runs and registered models. No other package imports it.

In: `Run`s, which are plain descriptions of what to log, and a `Candidate`, which is a folder with
the code that serves it. Out: runs of an MLflow experiment and versions of a registered model, one
of which is the champion. Whatever is logged was written to files first, so a run that is missing,
incomplete or outdated can be logged again at any time.

Read `runs.py` (a run before it is logged), `connection.py` (where MLflow is, and its errors),
`experiment.py` (logging runs exactly once), `registry.py` (versions and the champion), `history.py`
(who was champion when), `rollbacks.py` (an earlier one comes back), `pyfunc.py` (what MLflow
executes when it serves a version), `__main__.py` (the user interface).
"""
