"""From a raw table to a verdict: which normalization and which dropout win, and where in a CNN-LSTM.

The stages, in the order of the flow; each reads the folders before its own and writes one:

    stage        writes          what it writes
    validate     1_clean         a regular, complete table: series, time, segment, columns
    standardize  2_standardized  two float32 arrays (row, channel), scaled and raw; the scaler
    window       3_windows       start rows (window,) of each split, never copies
    train        4_models        weights (seed, ...) of every variant
    evaluate     5_errors        forecast - truth (seed, window, horizon, target)
    compare      6_verdict       leaderboard, figures, report
    track        MLflow          one run per variant, one nested run per seed

The commands, which people and CI call: `promote`, `forecast`, `retrain`. Everything else is a room;
an import points from a room to one before it in this list, never back: `core`, `config`, `tables`,
`series`, `network`, `training`, `evaluation`, `tracking`, `serving`.

Channels are targets, then past covariates, then future covariates (the calendar). A window that
starts at row s sees the rows s to s + lookback - 1 and forecasts the `horizon` rows that follow; its
future covariates are read `horizon` rows later, because they are known in advance. Arrays in the
network are (replica, batch, time, channel): a replica is one seed's network, a fleet the replicas
of one variant.
"""
