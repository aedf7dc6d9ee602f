"""The same job with the engines a user would pick instead: each one file, run by benchmarks/contest.py in an environment of its own."""
