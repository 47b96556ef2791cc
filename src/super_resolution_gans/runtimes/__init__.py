"""Other libraries that run networks: networks as their graphs, files of them, and sessions."""
