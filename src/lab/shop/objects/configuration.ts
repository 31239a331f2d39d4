import type { JsonObject } from '../../../model/json.js'

import { SESSION_SIGNING_KEY } from '../canaries.js'
import { metadata } from './metadata.js'
import type { Moments } from '../moments.js'
import { SHOP, UID } from '../names.js'

/** The ConfigMap and the Secret that the web pods refer to. Nothing of the Secret is needed as evidence. */
export function configurationObjects(moments: Moments): readonly JsonObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadata({
        name: 'web-config',
        namespace: SHOP,
        uid: UID.configMap,
        created: moments.deploymentMade,
      }),
      data: { LOG_LEVEL: 'info', FEATURE_CHECKOUT_V2: 'true', 'banner.txt': 'Everything must go.\n' },
    },
    // the controller manager puts this into every namespace; each pod's token volume has it
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadata({
        name: 'kube-root-ca.crt',
        namespace: SHOP,
        uid: '4e1a07d9-c6b2-4f35-9d80-e3725f8b16ac',
        created: moments.shopMade,
      }),
      data: { 'ca.crt': '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: metadata({
        name: 'web-session',
        namespace: SHOP,
        uid: UID.secret,
        created: moments.deploymentMade,
      }),
      type: 'Opaque',
      data: { 'signing-key': Buffer.from(SESSION_SIGNING_KEY, 'utf8').toString('base64') },
    },
  ]
}
