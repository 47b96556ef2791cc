"""Networks and their weights: torch modules, and nothing that knows about files of scans."""
