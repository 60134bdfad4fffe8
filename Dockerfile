# raftd in a small image: docker build -t raftd . && docker run --rm -p 8001:8001 raftd --listen 0.0.0.0:8001 --advertise http://localhost:8001 --insecure
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev make libmicrohttpd-dev libcurl4-gnutls-dev libgnutls28-dev libleveldb-dev && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
WORKDIR /src
COPY . .
RUN make BUILD=/build && make install BUILD=/build DESTDIR=/installed PREFIX=/usr && strip /installed/usr/bin/raftd /installed/usr/bin/raftctl

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends libmicrohttpd12 libcurl3-gnutls libgnutls30 libleveldb1d && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --system --uid 8001 --home-dir /var/lib/raftd --shell /usr/sbin/nologin raftd \
    && install -d -o raftd -g raftd -m 700 /var/lib/raftd
COPY --from=build /installed/usr/bin/raftd /installed/usr/bin/raftctl /usr/bin/
USER raftd
# The data of a node: each container needs a volume of its own, and a volume belongs to one node id for good.
ENV RAFTD_DATA_DIR=/var/lib/raftd
VOLUME /var/lib/raftd
EXPOSE 8001
HEALTHCHECK --interval=5s --timeout=6s --start-period=30s --retries=3 CMD ["raftd", "health"]
ENTRYPOINT ["raftd"]
