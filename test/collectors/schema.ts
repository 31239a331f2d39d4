import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

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
  const path = resolve(import.meta.dirname, `../../schemas/${schema}.json`)
  return new Ajv2020({ allErrors: true }).compile(JSON.parse(readFileSync(path, 'utf8')) as object)
}
