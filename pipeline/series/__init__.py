"""What networks learn from: the clean table as arrays, its split in time, and its windows.

In comes the clean table that `pipeline/tables` wrote. Out go the arrays of `2_standardized`
(`dataset`), with all that repeats and undoes their preparation, and the start rows of `3_windows`
(`windows`). Nothing here imports Keras.

Read `split` (which rows are training, validation and test); `calendar` (local time and holidays),
`categories` (text), `curves`, `scaler_kinds`, `scaler` and `fitting` (numbers, from the training
rows only), which `features` puts together as the channels that `channels` names; `dataset` (all of
it as arrays on disk), `shift` (what training has not seen) and `windows` (which rows a forecast
reads, and which it forecasts). `arrays` writes `.npy` files that are larger than memory.
"""
