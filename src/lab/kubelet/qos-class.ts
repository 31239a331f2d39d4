import { isDeepStrictEqual } from 'node:util'

import { asObject, at, type JsonObject } from '../../model/json.js'
import { objectsIn } from '../store/object.js'

/** status.qosClass of a pod, by what its containers ask for. Source: kubernetes/pkg/apis/core/helper/qos. */
export function qosClassOf(spec: JsonObject): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const resources = [...objectsIn(spec.initContainers), ...objectsIn(spec.containers)].map((container) => {
    const limits = asObject(at(container, 'resources', 'limits')) ?? {}
    // a limit without a request is also the request
    return { limits, requests: { ...limits, ...asObject(at(container, 'resources', 'requests')) } }
  })
  if (resources.every(({ requests }) => Object.keys(requests).length === 0)) return 'BestEffort'
  const guaranteed = resources.every(
    ({ limits, requests }) => 'cpu' in limits && 'memory' in limits && isDeepStrictEqual(limits, requests),
  )
  return guaranteed ? 'Guaranteed' : 'Burstable'
}
