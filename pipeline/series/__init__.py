"""What a series is: the raw table and its refusals, split, scaler, calendar, windows. Never imports Keras."""
