# srgan in a container. Not built yet where this was written; see docs/install.md.
#
#   docker build -t srgan .
#   docker run --rm -v "$PWD:/data" -u "$(id -u):$(id -g)" srgan upscale scan.png -o scan_x4.png
#
# With an NVIDIA GPU: --build-arg TORCH_INDEX=https://pypi.org/simple, whose torch brings CUDA, and
# docker run --gpus all. BASE may be any image of Debian or Ubuntu with Python 3.11 or later in it or
# in its archive, such as nvidia/cuda:13.0.1-runtime-ubuntu24.04.

ARG BASE=python:3.12-slim

FROM ${BASE} AS python
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN if ! command -v python3 > /dev/null; then \
      apt-get update \
      && apt-get install -y --no-install-recommends python3 python3-venv \
      && rm -rf /var/lib/apt/lists/*; \
    fi

FROM python AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# Joined by commas, of pyproject.toml: web, oct, volumes, ...
ARG EXTRAS=""
WORKDIR /source
COPY . .
RUN python3 -m venv /opt/srgan \
    && /opt/srgan/bin/pip install --no-cache-dir --disable-pip-version-check \
       --extra-index-url "${TORCH_INDEX}" -c constraints.txt ".${EXTRAS:+[${EXTRAS}]}" \
    && /opt/srgan/bin/pip check

FROM python
LABEL org.opencontainers.image.title="SuperResolution-GANs" \
      org.opencontainers.image.description="SRGAN super-resolution for OCT; research use only" \
      org.opencontainers.image.licenses="MIT AND BSD-2-Clause AND BSD-3-Clause AND CC-BY-4.0"
# A number that nobody has: user 1000 exists in some bases.
RUN useradd --uid 10001 --create-home srgan \
    && install -d -o srgan -g srgan /data
COPY --from=build /opt/srgan /opt/srgan
# matplotlib wants a folder of its own; with -u the user may have none.
ENV PATH="/opt/srgan/bin:${PATH}" \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001
WORKDIR /data
# Commands that end have no health to ask for.
HEALTHCHECK NONE
ENTRYPOINT ["srgan"]
CMD ["--help"]
