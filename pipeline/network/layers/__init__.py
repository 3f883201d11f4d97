"""The layers outside the recurrent ones: tensors (batch, time, channel) come in and go out.

In the order of the data:

1. `adapted_normalization`, or `input_normalization`, which `reversible` undoes after the head;
   `shared_columns` applies one network to every target.
2. `convolution`, then `normalization` and `batch_normalization`, `dropout`, `squeeze_excite` and
   `pooling`. The normalizations and dropouts are used after recurrent and dense layers as well.
3. `dense`, and `head` with its kinds `direct` and `per_step`: how the state of the network and the
   future covariates become a forecast.

Used by many of them: `weights` (reparametrizations of a kernel) and `noise` (random numbers that
a fleet can draw at once). A new kind goes into a file of its own, because the edit of a file
retrains every variant that uses it; its table row is in `pipeline/config/kinds.py`.
"""
