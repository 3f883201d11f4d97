"""network/layers."""
