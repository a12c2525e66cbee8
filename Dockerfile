# Postrider in a container: built from source in one stage, and in the other what runs: the program, the libraries it needs, and a user of
# its own. Keys, certificate and operator token are not in the image, which others may get to see: the first start of a container makes
# them in its volume (scripts/container-start.sh). docs/container.md.
FROM debian:12 AS build
WORKDIR /src
COPY scripts/packages.sh scripts/
RUN bash -c '. scripts/packages.sh && need_packages "${build_packages[@]}"'
COPY . .
RUN cmake --preset release && cmake --build build/release --target postrider && strip build/release/postrider

FROM debian:12-slim
COPY scripts/packages.sh /tmp/
RUN bash -c '. /tmp/packages.sh && need_packages "${run_packages[@]}"' && rm -rf /var/lib/apt/lists/* /tmp/packages.sh \
 && useradd --system --user-group --home-dir /var/lib/postrider --create-home postrider
COPY --from=build /src/build/release/postrider /usr/bin/postrider
COPY scripts/container-start.sh /usr/bin/postrider-container-start
COPY config/container.toml /etc/postrider/postrider.toml
RUN ln -s postrider /usr/bin/sendmail && ln -s postrider /usr/bin/mailq
USER postrider
VOLUME /var/lib/postrider
EXPOSE 2525 8025
ENTRYPOINT ["/usr/bin/postrider-container-start"]
CMD ["serve"]
