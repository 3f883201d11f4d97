"""What networks learn from: the clean table as arrays, its split in time, and its windows.

In comes the clean table that `pipeline/tables` wrote. Out go the arrays of `2_standardized`
(`dataset`), with the scaler that undoes their units, and the start rows of `3_windows` (`windows`).
Nothing here imports Keras.

Read `split` (which rows are training, validation and test), `scaler` (center and scale from the
training rows), `calendar` (future covariates from the time), `dataset` (all of it as arrays on
disk) and `windows` (which rows a forecast reads, and which it forecasts). `arrays` writes `.npy`
files that are larger than memory.
"""
