"""Settings (the only reader of the environment), topics, and the loader of a city's folder."""
