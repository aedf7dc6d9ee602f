"""The simulated city behind `producers.sources.simulate`: its geography, what happens in it, what is seen, and bad input."""
