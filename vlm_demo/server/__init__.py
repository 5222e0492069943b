"""The web application around Gradio's page: what every request and every answer passes.

Gradio's `launch` stays the way in which the page is started, because the package `spaces` of a
Space hooks it. It builds the application with what `application_options` returns. Other parts of
the program add routes and middleware as `ServerPart` values, which `vlm_demo/cli/page.py` hands
over.
"""

from vlm_demo.server.application import ServerPart, application_options
from vlm_demo.server.monitor import Monitor

__all__ = ["Monitor", "ServerPart", "application_options"]
