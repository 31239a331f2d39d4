import type { Layer } from '../files/tree.js'
import type { BuiltImage } from './build.js'
import { buildImage } from './build.js'
import { elfBytes, LayerDraft } from './draft.js'

export const LOG_SHIPPER_REPOSITORY = 'shop/log-shipper'
export const LOG_SHIPPER_TAG = '0.9.1'

/** The sidecar: one static binary and next to nothing beside it; no shell, so nothing can be run in it. */
export function logShipperImage(): BuiltImage {
  return buildImage({
    repository: LOG_SHIPPER_REPOSITORY,
    tag: LOG_SHIPPER_TAG,
    platforms: [
      {
        architecture: 'amd64',
        layers: logShipperLayers().map((layer, index) => ({
          createdBy:
            index === 0 ? 'bazel build //static' : 'COPY /log-shipper /usr/bin/log-shipper # buildkit',
          layer,
        })),
        config: {
          User: '65532:65532',
          Env: ['PATH=/usr/bin', 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'],
          Entrypoint: ['/usr/bin/log-shipper'],
        },
      },
    ],
  })
}

/** Base first. */
export function logShipperLayers(): readonly Layer[] {
  const base = new LayerDraft()
    .directory('tmp', { mode: 0o1777 })
    .directory('proc')
    .directory('sys')
    .directory('dev')
    .directory('home/nonroot', { mode: 0o700, uid: 65532, gid: 65532 })
    .file(
      'etc/passwd',
      'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n',
    )
    .file('etc/group', 'root:x:0:\nnonroot:x:65532:\n')
    .file('etc/os-release', 'NAME="Static"\nID=static\n')
    .file('etc/ssl/certs/ca-certificates.crt', 'Shop Test Root CA bundle\n')
  const binary = new LayerDraft().file('usr/bin/log-shipper', elfBytes('log-shipper', 80_000, 'amd64'), {
    mode: 0o755,
    after: 20,
  })
  return [base.layer(), binary.layer()]
}
