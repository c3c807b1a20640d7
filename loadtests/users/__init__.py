"""The people of a load test, as locust knows them."""
