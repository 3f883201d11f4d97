"""What all tests share: a quiet TensorFlow that never looks for a GPU, and no way to a tracking server of the user's."""

import os

os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "DVC_NO_ANALYTICS": "1"}
os.environ |= {"MPLBACKEND": "agg", "MLFLOW_DISABLE_TELEMETRY": "true"}
os.environ.pop("MLFLOW_TRACKING_URI", None)
