"""The report of a study: one page that opens offline, the same in Markdown, and its figures."""
