"""Pictures of what networks do with classes they have never seen."""
