import type { Layer } from '../files/tree.js'
import { baseLayer } from './base-layer.js'
import type { BuiltImage, PlatformDraft } from './build.js'
import { buildImage } from './build.js'
import type { Architecture } from './draft.js'
import { elfBytes, LayerDraft } from './draft.js'

export const WEB_REPOSITORY = 'shop/web'
export const WEB_TAG = '1.4.2'

/** The web shop's image: an index of two platforms, three layers each. */
export function webImage(): BuiltImage {
  return buildImage({
    repository: WEB_REPOSITORY,
    tag: WEB_TAG,
    platforms: (['amd64', 'arm64'] as const).map(platform),
  })
}

/** Base first. */
export function webLayers(architecture: Architecture): readonly Layer[] {
  return [baseLayer(architecture), packagesLayer(architecture), appLayer(architecture)]
}

function platform(architecture: Architecture): PlatformDraft {
  const instructions = [
    'ADD base.tar.gz / # buildkit',
    'RUN /bin/sh -c apk add --no-cache ca-certificates curl tzdata # buildkit',
    'COPY --chown=app:app dist/ /app/ # buildkit',
  ]
  return {
    architecture,
    layers: webLayers(architecture).map((layer, index) => ({ createdBy: instructions[index] ?? '', layer })),
    config: {
      ExposedPorts: { '8080/tcp': {} },
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'APP_HOME=/app'],
      Entrypoint: ['/app/server'],
      Cmd: ['--config', '/app/config.yaml'],
      WorkingDir: '/app',
      Labels: { 'org.opencontainers.image.version': WEB_TAG, 'org.opencontainers.image.title': 'shop web' },
    },
  }
}

/** Adds programs and certificates, hides the base's documentation behind an opaque mark and deletes its cache. */
function packagesLayer(architecture: Architecture): Layer {
  const draft = new LayerDraft()
    .file('usr/bin/curl', elfBytes('curl', 32_000, architecture), { mode: 0o755, after: 60 })
    .file('usr/bin/nsenter', elfBytes('nsenter', 8_000, architecture), { mode: 0o755, after: 60 })
    .file('etc/apk/world', 'busybox\nca-certificates\ncurl\nmusl\ntzdata\n', { after: 61 })
    .file('usr/share/ca-certificates/moved/README', 'Certificates live below /etc/ssl/certs.\n', {
      after: 61,
    })
    .whiteout('var/cache/apk/APKINDEX.tar.gz')
    .opaque('usr/share/doc')
    .file('usr/share/doc/curl/README', 'curl: see https://curl.example/docs\n', { after: 61 })
  const bundle: string[] = []
  for (let index = 1; index <= 60; index += 1) {
    const name = `Shop_Test_Root_CA_${String(index).padStart(2, '0')}`
    const pem = certificate(name)
    bundle.push(pem)
    draft
      .file(`usr/share/ca-certificates/${name}.crt`, pem, { after: 62 })
      .symlink(`etc/ssl/certs/ca-cert-${name}.pem`, `/usr/share/ca-certificates/${name}.crt`, { after: 62 })
  }
  return draft.file('etc/ssl/certs/ca-certificates.crt', bundle.join(''), { after: 63 }).layer()
}

function certificate(name: string): string {
  const body = elfBytes(name, 480, 'amd64').subarray(64).toString('base64').replaceAll(/.{64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${body.trimEnd()}\n-----END CERTIFICATE-----\n`
}

export const CONFIG_YAML = `listen: 0.0.0.0:8080
workers: 4
upstream: payments.shop.svc:8443
telemetry: off
sessions:
  ttl: 30m
  store: /cache/sessions
`

const HEALTHCHECK = `#!/bin/sh
exec wget -q -O /dev/null http://127.0.0.1:8080/healthz
`

/** Text of the audit log that the image ships and the intruder deletes. */
const AUDIT_LOG = 'audit log opened\n'

function appLayer(architecture: Architecture): Layer {
  const own = { uid: 1000, gid: 1000 }
  const draft = new LayerDraft()
    .directory('app', own)
    .file('app/server', elfBytes('server', 120_000, architecture), { ...own, mode: 0o755, after: 120 })
    .file('app/migrate', elfBytes('migrate', 20_000, architecture), { ...own, mode: 0o755, after: 120 })
    .file('app/config.yaml', CONFIG_YAML, { ...own, after: 121 })
    .file('usr/local/bin/healthcheck', HEALTHCHECK, { mode: 0o755, after: 121 })
    .directory('app/releases', own)
    .directory('app/releases/1.4.2', own)
    .symlink('app/current', 'releases/1.4.2', { ...own, after: 122 })
    .directory('var/log/app', { ...own, mode: 0o750 })
    .file('var/log/app/audit.log', AUDIT_LOG, { ...own, mode: 0o640, after: 122 })
    .directory('cache', own)
    .whiteout('etc/apk/world')
  for (let page = 1; page <= 120; page += 1) {
    const name = String(page).padStart(3, '0')
    draft.file(`app/releases/1.4.2/pages/${name}.html`, html(`Page ${name}`), { ...own, after: 123 })
  }
  for (let item = 1; item <= 80; item += 1) {
    const name = `item-${String(item).padStart(3, '0')}`
    draft.file(`app/releases/1.4.2/catalogue/${name}.json`, `{"sku":"${name}","price":${item * 125}}\n`, {
      ...own,
      after: 123,
    })
  }
  const long = `app/releases/1.4.2/translations/${'a-rather-long-directory-name/'.repeat(8)}zażółć-gęślą-jaźń.po`
  return draft.file(long, 'msgid "cart"\nmsgstr "koszyk"\n', { ...own, after: 124 }).layer()
}

function html(title: string): string {
  return `<!doctype html>\n<title>${title}</title>\n<h1>${title}</h1>\n<p>Everything must go.</p>\n`
}
