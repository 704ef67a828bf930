"""A local server of OpenAI's streaming chat protocol, for tests and for trying `llm` offline."""
