"""The API as tools read it: OpenAPI, made from the route table."""
