import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { Ajv2020 } from 'ajv/dist/2020.js'

/** What is wrong with a document by its own schema; empty where nothing is. */
export function complaints(name: string, value: unknown): unknown {
  const file = resolve(import.meta.dirname, `../../schemas/${name}.v1.json`)
  const validate = new Ajv2020({ allErrors: true, strict: true, strictRequired: false }).compile(
    JSON.parse(readFileSync(file, 'utf8')) as object,
  )
  return validate(value) ? [] : validate.errors
}
