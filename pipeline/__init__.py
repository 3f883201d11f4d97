"""From a raw table to a verdict: which normalization and dropout win, and where in a CNN-LSTM.

The modules here are the stages, in the order of the flow, each reading the folders before its own
and writing one, and the commands that people and CI call:

    validate     raw table                      -> 1_clean         one regular, complete table
    standardize  1_clean                        -> 2_standardized  float32 (row, channel), scaler
    window       2_standardized                 -> 3_windows       start rows (window,) per split
    train        2_standardized, 3_windows      -> 4_models        weights (seed, ...) per variant
    evaluate     2_standardized to 4_models     -> 5_errors        (seed, window, horizon, target)
    compare      5_errors                       -> 6_verdict       leaderboard, figures, report
    track        4_models, 5_errors, 6_verdict  -> MLflow          one run per variant and per seed
    promote, forecast, retrain                                     champion, forecasts, new data
    describe, advice                          proposed parameters; what becomes of common claims
    clean                                     removes what no revision needs from the store
    drift                                     what is new in the table, and what is unusual about it

Everything else is in a package, which imports only those above it in this list:

    core        how a stage is called, writes its results and rejects its input
    config      params.yaml and dvc.yaml -> frozen, typed, checked objects; kinds and rules
    tables      raw table -> clean table
    series      clean table -> split, scaler, windows
    network     what the CNN-LSTM is: layers, recurrent cells, assembly
    training    how a fleet learns, and how fleets are run and stored
    evaluation  how results are judged: baselines, metrics, verdict, figures, report
    tracking    the only package that imports MLflow
    serving     the forecaster in use: recent rows, the gate

Channels are targets, then past covariates, then future covariates (the calendar). A window that
starts at row s sees the rows s to s + lookback - 1 and forecasts the `horizon` rows that follow;
its future covariates are read `horizon` rows later, because they are known in advance. Arrays
in the network are (replica, batch, time, channel): a replica is one seed's network, a fleet the
replicas of one variant.
"""
