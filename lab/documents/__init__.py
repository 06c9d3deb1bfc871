"""Programs that make parts of the documents, and the check of their language."""
