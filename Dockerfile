# The program alone: no shell, no libc, no user database. It needs no root and writes no file.
FROM rust:1.95-slim-bookworm AS build

# The target is static, so that it needs nothing of the image it runs in. Versions of Debian's packages
# are not pinned: Debian keeps none but the latest of a release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates musl-tools \
    && rustup target add "$(uname -m)-unknown-linux-musl"

# What compiles the C code of TLS.
ENV TARGET_CC=musl-gcc
WORKDIR /tap
COPY . .
RUN cargo build --release --locked --target "$(uname -m)-unknown-linux-musl" \
    && mv "target/$(uname -m)-unknown-linux-musl/release/tap-incident" .

FROM scratch
# The authorities that are trusted; `ca_file` adds others.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /tap/tap-incident /usr/local/bin/tap-incident
# A number: there is no name of a user here, and Kubernetes asks for one where `runAsNonRoot` is set.
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/tap-incident"]
