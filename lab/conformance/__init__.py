"""The conformance tests of the clients: one list of cases, run in every language against the same real servers."""
