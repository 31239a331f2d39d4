import { asNumber, asObject, asString, type JsonObject } from '../../model/json.js'
import { isDryRun, parseJson } from './body.js'
import type { ApiCall } from './call.js'
import { ApiStatus, invalid } from './status.js'

export interface DeleteOptions {
  readonly dryRun: boolean
  readonly graceSeconds: number | undefined
  readonly propagation: 'Background' | 'Foreground' | 'Orphan' | undefined
  readonly preconditions: JsonObject
}

const POLICIES = ['Foreground', 'Background', 'Orphan']

/**
 * The options of a DELETE: from its body, and only where it has none from its query.
 * Source: k8s.io/apiserver, pkg/endpoints/handlers, DeleteResource; compared with a 1.20 server.
 */
export function deleteOptions({ body, query }: Pick<ApiCall, 'body' | 'query'>): DeleteOptions {
  const options = body.length === 0 ? fromQuery(query) : fromBody(body)
  const propagation = asString(options.propagationPolicy)
  if (propagation !== undefined && !POLICIES.includes(propagation)) {
    throw refused(
      'FieldValueNotSupported',
      `Unsupported value: ${JSON.stringify(propagation)}: supported values: "Foreground", "Background", "Orphan", "nil"`,
    )
  }
  if (propagation !== undefined && options.orphanDependents !== undefined) {
    throw refused(
      'FieldValueInvalid',
      `Invalid value: ${JSON.stringify(propagation)}: orphanDependents and deletionPropagation cannot be both set`,
    )
  }
  const orphans = options.orphanDependents === true ? 'Orphan' : undefined
  return {
    dryRun: isDryRun('DeleteOptions', new URLSearchParams(), options),
    graceSeconds: asNumber(options.gracePeriodSeconds),
    propagation: (propagation as DeleteOptions['propagation']) ?? orphans,
    preconditions: asObject(options.preconditions) ?? {},
  }
}

function fromQuery(query: URLSearchParams): JsonObject {
  const [grace, propagationPolicy, orphans] = [
    query.get('gracePeriodSeconds'),
    query.get('propagationPolicy'),
    query.get('orphanDependents'),
  ]
  return {
    dryRun: query.getAll('dryRun'),
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(propagationPolicy === null ? {} : { propagationPolicy }),
    ...(orphans === null ? {} : { orphanDependents: orphans === 'true' }),
  }
}

function fromBody(body: Buffer): JsonObject {
  const options = asObject(parsed(body)) ?? {}
  const [kind, apiVersion] = [asString(options.kind) ?? '', asString(options.apiVersion) ?? '']
  if (kind !== '' && kind !== 'DeleteOptions') {
    throw new ApiStatus(
      500,
      undefined,
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"`,
    )
  }
  return options
}

function parsed(body: Buffer): unknown {
  try {
    return parseJson(body)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new ApiStatus(500, undefined, `couldn't get version/kind; json parse error: ${why}`)
  }
}

function refused(reason: 'FieldValueInvalid' | 'FieldValueNotSupported', message: string): ApiStatus {
  return invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', [
    { reason, field: 'propagationPolicy', message },
  ])
}
