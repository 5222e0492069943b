"""Models on other servers: vLLM, or any other that speaks OpenAI's chat completions."""
