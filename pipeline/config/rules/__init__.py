"""Rules about combinations of slots: which are rejected, and which are warned about.

In: a `Case`, that is a network, the shape of its input and output, and the windows in a batch.
Out: sentences that name the settings, the reason, what to do, and the rule. A variant that wants a
rejected combination all the same, to show what it costs, names the rule under `allow:`.

Read `case` (what a rule sees), `rule`, `table` (all of them), `conditions` (what they ask), `cells`
(what fits into a recurrent cell), `findings` (what others call).
"""
