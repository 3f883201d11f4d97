"""network/rnn."""
