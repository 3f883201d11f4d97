"""The verdict as one HTML file that needs no network, `report.html`.

In: a `Study`, which is a verdict with what else is shown beside it. Out: the page as text. Read
`study` (what the page is made of), `grouped` (errors by series and by hour) and `examples`
(forecasts beside the truth), `words` (networks and settings as text), `table` (the rows of the
leaderboard), `charts` with `marks` (figures, in Altair) and `html`, which fills `page.html` with
all of it; `page.js` sorts and filters the table.
"""
