"""An evaluation as one page that needs nothing else, its figures, and its tables as text."""
