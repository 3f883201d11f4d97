"""The layers outside the recurrent ones: tensors (batch, time, channel) come in and go out.

In the order of the data:

1. `adapted_normalization`, or `input_normalization`, which `reversible` undoes after the head;
   `shared_columns` applies one network to every target.
2. `convolution`, then `normalization` and `batch_normalization`, `dropout`, `squeeze_excite` and
   `pooling`. The normalizations and dropouts are used after recurrent and dense layers as well.
3. `dense` and `forecast`, the head.

Used by many of them: `weights` (reparametrizations of a kernel) and `noise` (random numbers that
a fleet can draw at once). A new normalization goes into `batch_normalization` if its statistics
are over the batch, else into `normalization`; its table row is in `pipeline/config/kinds.py`.
"""
