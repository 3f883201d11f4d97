"""What may be concluded from the test errors, with intervals that keep their level.

In: the squared errors of every entry. Out: effects with simultaneous intervals and an answer in
words, the best set, ranks and tiers. Everything is on the logarithmic scale, so that effects are
ratios, and comes from one set of draws: the time of the forecasts, shared by all entries and
series, crossed with the seeds of each variant.

Read `losses` (errors to one loss per seed and origin), `times` and `seeds` (the two sources of
uncertainty), `draws` (both together), `effects` (contrasts with intervals), `planning` (what would
decide the undecided), `ranking` (all against all) and `conclusion` (the whole, for a study).
`benchmarks/calibration.py` measures how often the answers are wrong.
"""
