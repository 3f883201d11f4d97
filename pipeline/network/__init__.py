"""What the CNN-LSTM is: tables of normalizations and dropouts, the layers that Keras lacks, the rules, the assembly; no I/O.

A way to read it:

- what can be said: `catalogue` (the tables), `configuration` (`model:` of `params.yaml`, typed)
- what is refused or warned of: `case` (a network as the rules see it), `conditions`, `rules`, `cell_rules`
- from the window to the forecast: `assembly`, and in its order `input_normalization` within `reversible`, `shared_columns`, `convolution`, `normalization`,
  `dropout`, `squeeze_excite`, `pooling`, `recurrent`, `dense`, `forecast`
- inside of the recurrent layer: `cells`, `cell_normalization` made of `normalizers`, `recurrent_dropout`
- under many of them: `weights` (what a kernel stands for), `noise` (random numbers that a fleet can draw)
"""
