"""How results are judged: metrics, baselines, the entries' errors as files, leaderboard, figures, report. Never imports Keras, never MLflow.

`entry` holds what was measured, `verdict` puts it in order, the rest shows it: a further judgement is a module that takes a `Verdict`,
and a row in `figures.FIGURES` or `report.SECTIONS`.
"""
