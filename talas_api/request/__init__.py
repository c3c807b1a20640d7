"""What is known of a request before a feature sees it: where from, by whose right, which route."""
