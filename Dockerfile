# MoodLens as a container: for a machine of one's own, and for Docker Spaces.
#
#   docker build -t moodlens .
#   docker run -p 7860:7860 moodlens            the page at http://127.0.0.1:7860
#   docker run moodlens predict --help          any other command of `moodlens`
#
# Where no image registry is reached, Debian's tools make a base and build on it:
#
#   debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm base
#   tar -C base -c . | podman import - localhost/base
#   buildah bud --build-arg BASE=localhost/base -t moodlens .
#
# It runs as user 1000 and writes to /data and /tmp alone, so `--read-only --tmpfs /tmp --tmpfs /data`
# works. BASE may be any image with Python 3.10 or newer and its venv; TORCH=default installs what
# pip takes by itself, on Linux some gigabytes of CUDA.
ARG BASE=docker.io/library/python:3.12-slim

FROM ${BASE} AS builder
ARG TORCH=cpu
ARG PIP_OPTIONS=
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python3 -m venv /opt/moodlens
COPY requirements.txt ./
# The processor's PyTorch comes from its own index, whatever else from PyPI as usual.
RUN if [ "$TORCH" = cpu ]; then \
      export PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu; \
    fi; \
    /opt/moodlens/bin/python -m pip install ${PIP_OPTIONS} -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY moodlens moodlens
# The weights come along in the package.
RUN /opt/moodlens/bin/python -m pip install ${PIP_OPTIONS} --no-deps . \
 && /opt/moodlens/bin/python -m pip uninstall --yes pip

FROM ${BASE}
COPY --from=builder /opt/moodlens /opt/moodlens
RUN mkdir /data && chown 1000:1000 /data
WORKDIR /data
VOLUME /data
USER 1000:1000
ENV PATH=/opt/moodlens/bin:$PATH \
    HOME=/data \
    PYTHONUNBUFFERED=1 \
    MOODLENS_HOST=0.0.0.0 \
    MOODLENS_PORT=7860
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python3", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['MOODLENS_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["moodlens"]
CMD ["serve"]
