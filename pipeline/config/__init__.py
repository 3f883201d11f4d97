"""The configuration: parameters, catalogue and `dvc.yaml` as frozen, typed, checked objects.

In: `params.yaml`, the catalogue that it names, and `dvc.yaml`; nothing else in the project reads
YAML. Out: `params.Params`, of which every stage takes its section, and `paths.Paths`; or an
`InputError` with every mistake at once.

The tables of kinds and the rules about their combinations are here and not in `network/`, so that
every mistake of `params.yaml` is reported before any data is read, and without an import of Keras,
while the data stages do not depend on `network/`: a row only names its layer.

Read `section`; `data` with `times` and `calendars`, `validation`, `standardization`, `sections`
(windows and results); `options` and `slots` (how a row fills a place), `scalers` and `kinds` (the
tables of rows), `model`, `learning` (tables and section of the training), `flow` (the walk along a
network), `rules/`, `variants`, `catalogue` (the files that define them), `factors` (grids of them),
`claims`, `mentions` (names that must exist), `study` (which of them run), `params`, `explain`
(mistakes as sentences), `paths`, `revisions` (outputs of other commits), `yaml`.
"""
