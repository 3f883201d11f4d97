"""The forecaster in use: what forecasts from recent rows, and how one becomes the champion.

In come a trained variant's folder and the results of `evaluate`; out come a forecaster's folder, a
decision whether it replaces the champion, and forecasts in the units of the table.

Read `bundle.py` (a forecaster's folder), `forecaster.py` (forecasting), `form.py` (what recent rows
must look like), `origins.py` (after which row a forecast starts), `ahead.py` (the future covariates
of the horizon), `recent.py` (recent rows become the windows to forecast from), `replay.py`
(forecasters forecast the test windows), `process.py` (the code of another version runs in a process
of its own), `checks.py` (what the gate measures), `gate.py` (may the candidate become the
champion?), `promotion.py` (it becomes the champion), `serving_model.py` (what MLflow executes).
`drift/` looks at new rows before anything is learned from them.
"""
