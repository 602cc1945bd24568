"""A network in the report's page, for a reader to try: what the page's script is given of it."""
