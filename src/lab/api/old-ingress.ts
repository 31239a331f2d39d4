import { asObject, asString, at, type Json, type JsonObject } from '../../model/json.js'
import { objectsIn, omit } from '../store/object.js'

/** A networking.k8s.io/v1 Ingress as the v1beta1 of networking.k8s.io and extensions has it, until 1.22. */
export const OLD_INGRESS = {
  served: (ingress: JsonObject): JsonObject => withBackends(ingress, 'defaultBackend', 'backend', oldBackend),
  stored: (ingress: JsonObject): JsonObject => withBackends(ingress, 'backend', 'defaultBackend', newBackend),
}

function withBackends(
  ingress: JsonObject,
  from: string,
  to: string,
  convert: (backend: JsonObject) => JsonObject,
): JsonObject {
  const spec = asObject(ingress.spec) ?? {}
  const whole = asObject(spec[from])
  const rules = objectsIn(spec.rules).map((rule) => {
    const http = asObject(rule.http)
    if (http === undefined) return rule
    const paths = objectsIn(http.paths).map((path) => ({
      ...path,
      backend: convert(asObject(path.backend) ?? {}),
    }))
    return { ...rule, http: { ...http, paths } }
  })
  return {
    ...ingress,
    spec: {
      ...omit(spec, from),
      ...(whole === undefined ? {} : { [to]: convert(whole) }),
      ...(spec.rules === undefined ? {} : { rules }),
    },
  }
}

function oldBackend(backend: JsonObject): JsonObject {
  const service = asObject(backend.service)
  if (service === undefined) return backend
  const port = at(service, 'port', 'number') ?? at(service, 'port', 'name') ?? ''
  return { serviceName: service.name ?? '', servicePort: port as Json }
}

function newBackend(backend: JsonObject): JsonObject {
  const name = asString(backend.serviceName)
  if (name === undefined) return backend
  const { servicePort: port } = backend
  return { service: { name, port: typeof port === 'number' ? { number: port } : { name: port ?? '' } } }
}
