"""The command line: one file per group of commands, each with `register(app)`; data on stdout, progress on stderr."""
