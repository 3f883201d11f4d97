"""From a raw table to a verdict: which normalization and which dropout, and where in a CNN-LSTM, win on this data.

The stages, in the order of the flow; each reads the folders before its own and writes one:

    validate     raw table                              -> 1_clean         series, time, segment, columns; regular and complete
    standardize  1_clean                                -> 2_standardized  float32 (row, channel), scaled and raw, and the scaler
    window       2_standardized                         -> 3_windows       start rows (window,) of each split, never copies
    train        2_standardized, 3_windows              -> 4_models        weights (seed, ...) of every variant
    evaluate     2_standardized, 3_windows, 4_models    -> 5_errors        forecast - truth (seed, window, horizon, target)
    compare      5_errors                               -> 6_verdict       leaderboard, figures, report
    track        4_models, 5_errors, 6_verdict          -> MLflow          one run per variant, one below it per seed

Channels are targets, then covariates, then known ones (the calendar). A window that starts at row s sees the rows s to s + lookback - 1 and
forecasts the `horizon` rows that follow; its known channels are read `horizon` rows later, because they are known in the future.
Arrays in the network are (replica, batch, time, channel): a replica is one seed's network, a fleet the replicas of one variant.

What people and CI call besides: `promote`, `forecast`, `retrain`.
"""
