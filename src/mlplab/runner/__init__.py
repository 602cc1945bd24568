"""From a study to its records: what is missing is planned, trained and recorded."""
