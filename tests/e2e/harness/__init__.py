"""Support for the end-to-end tests: start programs, scrape figures, wait with a bound."""
