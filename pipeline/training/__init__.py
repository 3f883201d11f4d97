"""How a fleet learns: the graph over stacked weights, optimizers, stopping, the store of finished fleets, the workers."""
