"""From a table that nobody has described yet to proposed sections of `params.yaml`, with reasons.

In comes a path; out goes a `Proposal`, and a picture. Nothing is decided here for good: a proposal
is read by a person. Read `sample`, `moments`, `zones`, `grouping`, `steps`, `season`, `columns`,
and last `proposal`, which puts their findings into words.
"""
