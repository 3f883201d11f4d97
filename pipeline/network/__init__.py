"""The network: what the CNN-LSTM is.

In: a `Model` of `pipeline.config` (what fills each slot), the shape of the data and a seed.
Out: a Keras model, [past, future] -> forecast: the past is (batch, lookback, channel), the
future (batch, horizon, future covariate), and the forecast (batch, horizon, target). The encoder
turns the past into a state; the head forecasts from the state and the future.

This package reads and writes no files, and uses `keras.ops` and `keras.random` only, never a
particular backend.

Read it in this order:

1. `build`: the assembly, which creates a layer for each part of the network in the order of the
   data. The parts, their widths and their steps come from `pipeline.config.flow`.
2. `layers/`: what stands outside the recurrent layers, from the input normalization to the heads,
   `direct` and `per_step`.
3. `rnn/`: the recurrent layer, with what can be put inside its cell.
4. `base`: names for types and one base class, which the other files share.

A new normalization or dropout is a class in a file of its own in `layers/` (or in `rnn/`, if it
acts inside the cell), one row of a table in `pipeline/config/kinds.py`, and one NumPy reference
under the same name in `tests/network/`. CONTRIBUTING.md shows the four steps.
"""
