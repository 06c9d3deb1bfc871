"""Programs that generate parts of the documents, and the check of their language."""
