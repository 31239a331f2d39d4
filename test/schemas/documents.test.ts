import { rmSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

import { startLab, type Lab } from '../../src/lab/lab.js'
import { CommandLine } from '../commands/command-line.js'
import { documentsOfACase, schemaNamed, type Document } from './documents-of-a-case.js'
import { complaints, schemas } from './schemas.js'

let lab: Lab
let cli: CommandLine
let documents: readonly Document[]

beforeAll(async () => {
  lab = await startLab()
  cli = new CommandLine(lab)
  documents = await documentsOfACase(lab, cli)
})

afterAll(async () => {
  await lab.close()
  rmSync(cli.home, { recursive: true, force: true })
})

/** Where a schema leaves open which keys there are: labels, manifests, and what is sent to the API server. */
const OPEN = [
  'impound/acquisition/v1 /intent/body',
  'impound/acquisition/v1 /intent/body/*',
  'impound/acquisition/v1 /intent/prior',
  // an action adds what its plan knows
  'impound/plan/v1 /targets/*/quarantine/actions/*',
  'impound/plan/v1 /targets/*/quarantine/labels/add',
  'impound/plan/v1 /targets/*/quarantine/labels/before',
  'impound/plan/v1 /targets/*/quarantine/policy/manifest',
  'impound/pod/v1 /labels',
  'impound/quarantine-plan/v1 /actions/*',
  'impound/quarantine-plan/v1 /labels/add',
  'impound/quarantine-plan/v1 /labels/before',
  'impound/quarantine-plan/v1 /policy/manifest',
  'impound/release-plans/v1 /plans/*/labels/restore',
  'impound/state/v1 /intent/body',
  'impound/state/v1 /intent/body/*',
  'impound/state/v1 /intent/prior',
]

/** The documents within a document. */
function within(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap((inner: unknown) => [
    ...(schemaNamed(inner)?.startsWith('impound/') === true ? [inner] : []),
    ...within(inner),
  ])
}

/** The outermost objects that may have a key that nobody promised, as schema and path; '*' for any index. */
function openPlaces({ schema = 'none', value }: Document): readonly string[] {
  const visit = (node: unknown, at: string): readonly string[] => {
    if (typeof node !== 'object' || node === null) return []
    if (Array.isArray(node)) return node.flatMap((item: unknown) => visit(item, `${at}/*`))
    const object = node as Record<string, unknown>
    object['gossip'] = 'x'
    const accepted = complaints(schema, value).length === 0
    delete object['gossip']
    if (accepted) return [`${schema} ${at}`]
    return Object.entries(object).flatMap(([key, inner]) => visit(inner, `${at}/${key}`))
  }
  return visit(value, '')
}

describe('every JSON document of a case', () => {
  it('names its schema, or is a line of a file that stands for one', () => {
    expect(documents.length).toBeGreaterThan(200)
    expect(documents.filter(({ schema }) => schema === undefined).map(({ where }) => where)).toEqual([])
  })

  it('is what its schema says, and so is every document within it', () => {
    const wrong = documents.flatMap(({ where, schema, value }) => [
      ...complaints(schema ?? 'none', value).map((complaint) => `${where}: ${complaint}`),
      ...within(value).flatMap((inner) =>
        complaints(schemaNamed(inner)!, inner).map((complaint) => `within ${where}: ${complaint}`),
      ),
    ])
    expect(wrong).toEqual([])
  })

  it('would not be what its schema says with a key more, wherever the type is closed', () => {
    const open = new Set(documents.flatMap((document) => openPlaces(document)))
    expect([...open].sort()).toEqual(OPEN)
  })
})

describe('the schemas', () => {
  it('are all met by a document of a case', () => {
    const met = new Set(documents.flatMap(({ schema, value }) => [schema, ...within(value).map(schemaNamed)]))
    const ids = [...schemas.values()].map(({ $id }) => $id)
    expect(ids.filter((id) => !met.has(id))).toEqual([])
  })

  it.each([...schemas])('%s says who it is', (file, schema) => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `impound/${file.replace(/\.(v\d+)\.json$/, '/$1')}`,
      title: expect.any(String),
    })
  })
})
