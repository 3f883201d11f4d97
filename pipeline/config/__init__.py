"""The configuration: `params.yaml` and `dvc.yaml` as frozen, typed, checked objects.

In: the two files; nothing else in the project reads YAML. Out: `params.Params`, of which every
stage takes its section, and `paths.Paths`; or an `InputError` with every mistake at once.

The tables of kinds and the rules about their combinations are here and not in `network/`, so that
every mistake of `params.yaml` is reported before any data is read, and without an import of Keras,
while the data stages do not depend on `network/`: a row only names its layer.

Read `section`, `scalers`, `sections` (data and results), `options` and `slots` (how a row fills a
place), `kinds` (the tables of the network), `model`, `learning` (tables and section of the
training), `flow` (the walk along a network), `rules/`, `variants`, `params`, `explain` (mistakes
as sentences), `paths`, `yaml`.
"""
