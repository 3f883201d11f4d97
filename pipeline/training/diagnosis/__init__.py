"""Why a trained network forecasts as it does: what is measured inside of it on a few windows.

In: a trained `Ensemble`, and one batch of validation windows. Out: small facts for a JSON file, and
arrays over time. Nothing here takes part in training, and no fingerprint depends on it: networks
are called eagerly, and what their layers compute is recorded from the outside.

Read `probes` first, which records and switches, then `measure`.
"""
