"""The recurrent layer: (batch, time, channel) -> (batch, unit) or (batch, time, unit).

Read it from the outside to the inside:

1. `recurrent`: the layer, its arguments and its configuration.
2. `direction`: the weights of one direction, and the loop over time.
3. `cells`: LSTM, GRU and SimpleRNN, with the places where normalizations and dropouts act.
4. `cell_normalization`, the base of the kinds in `cell_layer_normalization` and
   `cell_batch_normalization`, made of `gate_terms` (the arrangement around the two terms of a
   gate) and `normalizers` (what normalizes one term).
5. `recurrent_dropout`, the kinds, made of `dropout_hooks` (where they act, and their masks).

A new normalization inside the cell subclasses `CellNormalization`, a new recurrent dropout
`RecurrentDropout`; each has its table row in `pipeline/config/kinds.py`.
"""
