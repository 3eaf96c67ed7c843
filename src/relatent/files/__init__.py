"""Read and write files; a file is written completely or not at all."""
