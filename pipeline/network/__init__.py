"""What the CNN-LSTM is: tables of normalizations and dropouts, the layers that Keras lacks, the rules, the assembly; no I/O."""
