"""Training: how a fleet learns (`engine/`), and how fleets are run and stored (`jobs/`).

In: the arrays of `standardize`, the windows of `window`, the resolved parameters of each variant.
Out: a folder for each variant: the best weights of every seed, their learning curves, a summary.

A fleet is one variant with several seeds, trained as one graph; each seed is a replica. Read
`engine/` to learn how replicas train together, then `jobs/` to learn how fleets are spread over
workers, resumed after any interruption, and stored. `jobs` imports `engine`, never the reverse.
`diagnosis/` measures what happens inside a trained variant, and changes nothing of it.
"""
