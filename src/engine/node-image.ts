/** debian:bookworm-slim, the index of 2026-08-04: docker-library/repo-info, repos/debian/remote/bookworm-slim.md. */
export const DEFAULT_NODE_IMAGE =
  'docker.io/library/debian:bookworm-slim@sha256:abd67ffcfa541b485a3dff59865ab629aa048a6c613e639d36e7456b0b229241'
