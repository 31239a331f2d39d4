import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { Ajv2020 } from 'ajv/dist/2020.js'

import { at } from '../../src/model/json.js'

const FOLDER = resolve(import.meta.dirname, '../../schemas')

export interface Schema {
  readonly $schema?: string
  readonly $id?: string
  readonly title?: string
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly oneOf?: readonly Schema[]
}

/** Every schema in schemas/, by its file's name. */
export const schemas: ReadonlyMap<string, Schema> = new Map(
  readdirSync(FOLDER)
    .sort()
    .map((name) => [name, JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Schema]),
)

/** A part of a schema: 'pod/$defs/container' is /$defs/container in pod.v1.json. */
export function schemaNode(place: string): Schema {
  const [name = '', ...steps] = place.split('/')
  let node: unknown = schemas.get(`${name}.v1.json`)
  for (const step of steps) node = at(node, step)
  if (node === undefined) throw new Error(`schemas/ has no ${place}`)
  return node as Schema
}

const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true })
for (const schema of schemas.values()) ajv.addSchema(schema)

/** What the schema with this $id has against a value; empty where nothing. */
export function complaints(id: string, value: unknown): readonly string[] {
  const validate = ajv.getSchema(id)
  if (validate === undefined) return [`there is no schema ${id}`]
  if (validate(value)) return []
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`)
}
