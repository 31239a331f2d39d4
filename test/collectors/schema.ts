import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

const compiled = new Map<string, ValidateFunction>()

/** What a schema of schemas/ has against a document; empty where nothing. */
export function objections(schema: string, document: unknown): readonly string[] {
  const validate = compiled.get(schema) ?? compile(schema)
  compiled.set(schema, validate)
  return validate(document)
    ? []
    : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`)
}

function compile(schema: string): ValidateFunction {
  const folder = resolve(import.meta.dirname, '../../schemas')
  const read = (file: string): object => JSON.parse(readFileSync(join(folder, file), 'utf8')) as object
  // A schema may refer to another
  const others = readdirSync(folder).filter((file) => file !== `${schema}.json`)
  return new Ajv2020({ allErrors: true, schemas: others.map(read) }).compile(read(`${schema}.json`))
}
