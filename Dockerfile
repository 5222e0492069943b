# The page in a container, as a user without rights, on a read-only root file system.
#
#   docker build --tag vlm-demo .
#   docker run --read-only --tmpfs /tmp --volume votes:/data --volume models:/models \
#     --env VLM_DEMO_OPERATOR_PASSWORD=... --publish 7860:7860 vlm-demo
#
# PyTorch as the package registry has it runs on NVIDIA GPUs (then add `--gpus all`) and on CPUs. For
# CPUs alone, a build of a tenth of the size is at the address that https://pytorch.org/get-started
# names: `--build-arg TORCH_INDEX=ADDRESS`.

ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
ARG TORCH_INDEX=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.txt requirements.lock /build/
# Another build of PyTorch has other hashes than the lock file, which holds for the rest then too.
RUN if [ -n "$TORCH_INDEX" ]; then \
      pip install --index-url "$TORCH_INDEX" "torch>=2.8,<2.14" "torchvision>=0.23,<0.29" \
      && pip install -r /build/requirements.txt "prometheus-client>=0.22,<1"; \
    else \
      pip install --require-hashes -r /build/requirements.lock; \
    fi

FROM python:${PYTHON}-slim
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin page \
    && install --directory --owner page --group page /data /models
COPY --from=build /opt/venv /opt/venv
COPY app.py README.md LICENSE /app/
COPY assets /app/assets
COPY vlm_demo /app/vlm_demo
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/models \
    XDG_CACHE_HOME=/tmp/cache \
    XDG_DATA_HOME=/data \
    GRADIO_TEMP_DIR=/tmp/gradio \
    VLM_DEMO_HOST=0.0.0.0 \
    VLM_DEMO_VOTES=/data/votes.db \
    VLM_DEMO_LOG=json
WORKDIR /app
USER page
VOLUME ["/data", "/models"]
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s CMD \
    ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('VLM_DEMO_PORT', '7860') + '/healthz', timeout=8)"]
CMD ["python", "app.py"]
