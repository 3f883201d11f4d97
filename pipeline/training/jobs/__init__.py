"""How fleets are run and stored. In: the selected variants. Out: finished replicas in the store.

Read in this order: `fingerprint` (what identifies a training), `store` (finished replicas and
checkpoints under their fingerprints), `plan` (which fleets the store still lacks), `task` (one
fleet as a task for a worker), `runner` (runs all tasks, keeps their results, retries after a
worker's death). `workers` executes tasks on this machine, `cluster` on a Ray cluster; `devices`
lists the GPUs, `display` shows the progress, `results` writes a variant's folder, `tuning` chooses
its settings on validation, and `flags` says which results are not to be trusted.
"""
