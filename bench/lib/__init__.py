"""Support for the benchmarks; processes and scraping come from tests/e2e/harness."""
