"""config/rules."""
