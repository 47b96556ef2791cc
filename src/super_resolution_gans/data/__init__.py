"""From folders of scans to training batches and evaluation pairs."""
