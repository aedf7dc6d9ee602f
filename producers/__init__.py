"""Producers: what brings reports from the outside world, a file or a simulated city onto `incidents.reported`."""
