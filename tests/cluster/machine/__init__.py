"""A Kubernetes of one node, made of what package registries have, for the time of a test."""
