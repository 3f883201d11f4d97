"""How results are judged: errors on the test split become a leaderboard, figures and a report.

In: forecasts of the test windows, from the trained variants and from the baselines. Out: their
signed errors (`5_errors`) and the verdict on them (`6_verdict`). Nothing here imports Keras or
MLflow.

Read `metrics` (errors to scores), `task` and `baselines` (forecasts without a network, in `naive`,
`ridge` and `boosting`; `season` infers a season length), `entries` (a variant or baseline with its
errors, as files), `diagnosis` (what was measured inside a variant), `evaluator` (forecasts to
errors), `questions` (what a study asks), `verdict` (all entries in order), `statistics` (what may
be concluded of them, with intervals), `marginals` (what each slot does, over `settings`), `claims`,
`champion` (which one to use) and `flags` (why not to trust it). The rest shows a verdict:
`leaderboard`, `series_table` (over `yardsticks`) and `curves` as CSV, `verdict_files` as JSON,
`leaderboard_text` on the terminal and in Markdown, `figures` (with `style`, `scales`,
`leaderboard_figure`, `horizon_figure`), `report` (with `report_finding`, `report_slots`,
`report_claims`, `report_data`), `advice` (the page of claims) and `page`, the report as one HTML
file. A new view is a module that takes a `Verdict`, and a row in `figures.FIGURES`,
`report.SECTIONS` or `page.html.FIGURES`.
"""
