"""Load tests: locust users for the API, the chat and the listeners, and a verdict on the run."""
