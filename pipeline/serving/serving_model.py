"""What MLflow executes when it loads a registered forecaster."""

from pipeline.serving.forecaster import Forecaster
from pipeline.tracking.pyfunc import serve

serve(Forecaster.load)
