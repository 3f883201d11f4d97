"""How a fleet learns. In: windows, a network, training parameters, seeds. Out: trained weights.

Read in this order: `samples` (the data on the device, batches of windows), `replicas` (one
network, the stacked weights of many seeds), `fleet` (the graph that trains and validates all
replicas at once), `train_state` (early stopping, best weights, checkpoints: the training loop).
`grid` says which settings replicas have of their own.
`losses`, `optimizers`, `clipping`, `averaging` and `schedules` are what the kinds in
`config/learning` name.
`ensemble` loads a trained variant for forecasts; `backend` starts TensorFlow.
"""
