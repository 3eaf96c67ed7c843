"""The RNN that reads digits row by row."""
