"""Tests are the specification: sentence names, tables for cases, hypothesis for laws, the real servers for promises."""
