"""Measurements that anyone can rerun; never tests: a figure holds for one run on one machine."""
