"""The console: a read-only page of the city, its live feed and the figures behind it."""
