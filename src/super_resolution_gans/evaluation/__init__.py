"""Models compared with each other on pairs of scans; it is handed the pairs and the upscalers."""
