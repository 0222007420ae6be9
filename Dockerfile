# syntax=docker/dockerfile:1
# The pipelines as an image: docker build -t bitcoin-ingestor .
# With --target demo also the simulated exchange, for compose.yaml.
ARG SWIFT_IMAGE=docker.io/library/swift:6.2-bookworm
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${SWIFT_IMAGE} AS build
# Versions are those of the base image's release; pinning them here would end with each security update.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends \
        libcurl4-openssl-dev libdeflate-dev libhiredis-dev libssl-dev libyaml-dev libzstd-dev zlib1g-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift ./
COPY Sources Sources
COPY Benchmarks Benchmarks
COPY Tests Tests
COPY Scripts Scripts
COPY pipelines pipelines
COPY systemd systemd
COPY config config
COPY deploy deploy
COPY docs docs
COPY README.md CHANGELOG.md LICENSE ./
RUN Scripts/build shipped && DESTDIR=/out Scripts/install .build/shipped /usr

FROM build AS build-demo
RUN Scripts/build exchange-sim \
    && install -D -s -m 755 .build/release/exchange-sim /demo/usr/bin/exchange-sim

FROM ${BASE_IMAGE} AS ingestor
LABEL org.opencontainers.image.title="bitcoin-ingestor" \
      org.opencontainers.image.description="Binance market data into Kinesis and S3, each record once" \
      org.opencontainers.image.licenses="MIT"
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends \
        ca-certificates libcurl4 libdeflate0 libssl3 libyaml-0-2 libzstd1 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 10001 -g 10001 /state /run/bitcoin-ingestor
COPY --from=build /out/ /
# Not root, and by number, so that Kubernetes can see that it is not. The root file system may be
# read-only: written are /state (a volume: spools and ledgers) and /run/bitcoin-ingestor (a tmpfs).
USER 10001:10001
ENV PATH=/usr/share/bitcoin-ingestor/pipelines:/usr/bin:/bin \
    CONFIG_FILE=/etc/bitcoin-ingestor/main.yaml \
    STATE_DIRECTORY=/state \
    STATS_DIR=/run/bitcoin-ingestor \
    TMPDIR=/run/bitcoin-ingestor \
    HEALTH__HOST=0.0.0.0
WORKDIR /state
VOLUME ["/state"]
EXPOSE 8080 8081
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["probe", "/ready"]
# Process 1: it passes signals on in order and reaps what ends.
ENTRYPOINT ["run"]

FROM ingestor AS demo
COPY --from=build-demo /demo/ /

FROM ingestor
