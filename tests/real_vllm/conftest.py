"""These tests need a vLLM in an environment of its own; without one they are not collected."""

import os

collect_ignore = [] if os.environ.get("VLM_DEMO_VLLM") else ["test_real_vllm.py"]
