import { baseLayer } from './base-layer.js'
import type { BuiltImage } from './build.js'
import { buildImage } from './build.js'
import { elfBytes, LayerDraft } from './draft.js'
import type { Layer } from '../files/tree.js'

export const DB_REPOSITORY = 'shop/db'
export const DB_TAG = '15.8'

/** The database: one platform, the same base layer as the web shop. */
export function dbImage(): BuiltImage {
  const [base, server] = dbLayers()
  return buildImage({
    repository: DB_REPOSITORY,
    tag: DB_TAG,
    platforms: [
      {
        architecture: 'amd64',
        layers: [
          { createdBy: 'ADD base.tar.gz / # buildkit', layer: base },
          { createdBy: 'RUN /bin/sh -c apk add --no-cache postgresql15 # buildkit', layer: server },
        ],
        config: {
          User: '70:70',
          ExposedPorts: { '5432/tcp': {} },
          Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'PGDATA=/var/lib/postgresql/data'],
          Entrypoint: ['/usr/local/bin/postgres'],
        },
      },
    ],
  })
}

export function dbLayers(): readonly [Layer, Layer] {
  const own = { uid: 70, gid: 70 }
  const server = new LayerDraft()
    .file('usr/local/bin/postgres', elfBytes('postgres', 96_000, 'amd64'), { mode: 0o755, after: 30 })
    .file('usr/local/bin/pg_isready', elfBytes('pg_isready', 12_000, 'amd64'), { mode: 0o755, after: 30 })
    .file('usr/share/postgresql/postgresql.conf.sample', "#listen_addresses = 'localhost'\n", { after: 31 })
    .directory('var/lib/postgresql', own)
    .directory('var/lib/postgresql/data', { ...own, mode: 0o700 })
  return [baseLayer('amd64'), server.layer()]
}
