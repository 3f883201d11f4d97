"""The prepared view of MLflow's run table: the leaderboard at first sight, without a click.

MLflow keeps a shared view as a tag of the experiment: JSON whose `state` is compressed JSON of what
the page would hold after a user had set it up by hand (MLflow 3.17; `tests/tracking` opens it).
"""

import base64
import json
import zlib
from collections.abc import Sequence

KEY = "study"
TAG = f"mlflow.sharedViewState.{KEY}"
NOTE = "mlflow.note.content"  # Markdown, shown on the page of an experiment, a run or a model
CURRENT = "tags.current = 'true' AND tags.role != 'seed' AND tags.role != 'verdict'"


def state(order_by: str, metrics: Sequence[str], params: Sequence[str], tags: Sequence[str]) -> str:
    """Return the value of the tag: the current entries, best first, with these columns.

    `order_by` is the metric that is best where it is lowest.
    """
    columns = {"metrics": metrics, "params": params, "tags": tags}
    content = {
        "searchFilter": CURRENT,
        "orderByKey": f"metrics.`{order_by}`",
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": [
            f"{kind}.`{name}`" for kind, names in columns.items() for name in names
        ],
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsHiddenMode": "FIRST_10_RUNS",
        "runsVisibilityMap": {},
        "runLimit": None,
        "viewMaximized": False,
        "isAccordionReordered": False,
        "groupBy": None,
        "groupsExpanded": {},
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "autoRefreshEnabled": False,
        "compareRunsMode": "TABLE",
        "compareRunCharts": [],
        "compareRunSections": [],
        "globalLineChartConfig": {},
        "chartsSearchFilter": "",
    }
    packed = base64.b64encode(zlib.compress(json.dumps(content).encode())).decode()
    view = {"name": KEY, "createdAt": 0, "updatedAt": 0, "state": f"deflate;{packed}"}
    return json.dumps(view)


def link(server: str, experiment: str) -> str:
    """Return the address of the view of an experiment, by its id, at a server."""
    query = f"workflowType=machine_learning&viewStateShareKey={KEY}"
    return f"{server}/#/experiments/{experiment}/runs?{query}"
